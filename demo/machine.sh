# demo/machine.sh: what ./start and ./test ask of the machine. Sourced by both, not run.
#
# Installs packages with apt so that no service starts, makes build folders, and finds a short name
# for a long path. Says what it does before it does it. Works as root and as a normal user.
# shellcheck shell=bash disable=SC2034,SC2154  # who sources it uses the lists, and names itself

# What builds lodge, and what runs guests on the embedded QEMU driver.
BUILD_PACKAGES="gcc libc6-dev meson ninja-build pkg-config libvirt-dev libuv1-dev libjson-c-dev
    libsqlite3-dev libxml2-dev libpng-dev libinih-dev libncurses-dev libwebsockets-dev
    libwebsockets-evlib-uv"
GUEST_PACKAGES="libvirt-daemon-driver-qemu qemu-system-x86 qemu-utils novnc"

say()
{
    printf '%s: %s\n' "$program" "$*"
}

fail()
{
    printf '%s: %s\n' "$program" "$*" >&2
    exit 1
}

# The words of "$@" that are packages and not installed.
packages_missing()
{
    local package
    for package in "$@"; do
        dpkg-query -W -f='${db:Status-Status}\n' "$package" 2>/dev/null | grep -qx installed ||
            printf '%s ' "$package"
    done
}

# Runs a command as root: plainly, by sudo, or not at all.
as_root()
{
    if [ "$(id -u)" = 0 ]; then
        "$@"
    else
        sudo "$@"
    fi
}

# A normal user is asked before anything happens as root; without a terminal the command is named.
ask_for_root()
{
    local what=$1 command=$2 answer
    [ "$(id -u)" != 0 ] || return 0
    if ! command -v sudo >/dev/null || { [ ! -t 0 ] && [ "${yes:-no}" != yes ]; }; then
        fail "$what. As root: $command"
    fi
    [ "${yes:-no}" != yes ] || return 0
    read -r -p "$program: $what. Do that with sudo? [Y/n] " answer
    case $answer in
    '' | [Yy]*) ;;
    *) fail "not done. As root: $command" ;;
    esac
}

# Installs what is missing of "$@". While apt runs, a policy-rc.d forbids the start of services:
# lodge needs programs and libraries, and a newcomer's machine gets no daemon from it.
packages_install()
{
    local missing apt policy=/usr/sbin/policy-rc.d
    missing=$(packages_missing "$@")
    missing=${missing% }
    [ -n "$missing" ] || return 0
    command -v apt-get >/dev/null || fail "needs these, and knows only apt: $missing"
    apt="apt-get install -y --no-install-recommends $missing"
    ask_for_root "packages are missing: $missing" "$apt"
    say "installing without recommended packages and without starting a service: $missing"
    # shellcheck disable=SC2016,SC2086  # the inner shell expands; one word per package
    as_root env DEBIAN_FRONTEND=noninteractive sh -c '
        policy=$1
        shift
        if [ ! -e "$policy" ]; then
            trap "rm -f \"$policy\"" EXIT
            trap "exit 1" INT TERM HUP
            printf "#!/bin/sh\nexit 101\n" >"$policy" && chmod 755 "$policy"
        fi
        install="apt-get -qq install -y --no-install-recommends"
        ls /var/lib/apt/lists/*_Packages >/dev/null 2>&1 || apt-get -qq update
        $install "$@" || { apt-get -qq update && $install "$@"; }
    ' sh "$policy" $missing >/dev/null || fail "apt could not install: $missing"
}

# The QEMU driver of a root process looks the account up by name before it reads its settings, and
# fails without; nothing of lodge runs as it. Made as libvirt's own packages make it.
account_make()
{
    [ "$(id -u)" = 0 ] || return 0
    ! getent passwd libvirt-qemu >/dev/null || return 0
    say "making the system account libvirt-qemu, which libvirt's QEMU driver looks for"
    getent group libvirt-qemu >/dev/null || groupadd --system libvirt-qemu
    useradd --system --gid libvirt-qemu --no-create-home --home-dir /var/lib/libvirt \
        --shell /usr/sbin/nologin --comment 'Libvirt Qemu' libvirt-qemu
}

# build_folder FOLDER [MESON OPTION…]: a folder set up with these options, made anew when it was
# made for another place (a copied checkout) or by another user.
build_folder()
{
    local folder=$1
    shift
    if [ -e "$folder/build.ninja" ] &&
        ! grep -qF "\"source\": \"$PWD\"" "$folder/meson-info/meson-info.json"; then
        say "$folder was made for another checkout: making it anew"
        rm -rf "$folder"
    fi
    if [ -e "$folder/build.ninja" ]; then
        [ $# = 0 ] || meson configure "$folder" "$@" >/dev/null
    else
        say "setting up $folder"
        meson setup "$folder" "$@" >"$folder.log" 2>&1 || {
            tail -n 20 "$folder.log" >&2
            fail "meson setup failed"
        }
        rm -f "$folder.log"
    fi
}

# A path to FOLDER short enough for QEMU's sockets below it (a Unix socket's path has 107 bytes, of
# which libvirt and QEMU need up to 55) and plain enough for a URI: itself, or a link in a private
# folder of this user. The same for the same folder, since running guests remember it.
short_path()
{
    local folder=$1 private link
    if [ ${#folder} -le 50 ] && [[ $folder != *[!A-Za-z0-9/._-]* ]]; then
        printf '%s\n' "$folder"
        return
    fi
    private=/tmp/lodge-$(id -u)
    mkdir -m 700 "$private" 2>/dev/null || true
    if [ -L "$private" ] || [ ! -d "$private" ] || [ ! -O "$private" ]; then
        fail "$private is in the way: it is not a folder of yours"
    fi
    link=$private/$(printf '%s' "$folder" | cksum | cut -d' ' -f1)
    ln -sfn "$folder" "$link"
    printf '%s\n' "$link"
}
