/*
 * What a person touches around the screen: the bar's tools, the clipboard, the one dialog, and where the
 * keyboard's focus is. It acts on the screen (noVNC's object) that page.js attached last; a noVNC object
 * that is not connected ignores what it is told.
 */

const CTRL = [0xffe3, 'ControlLeft'];
const ALT = [0xffe9, 'AltLeft'];
const SUPER = [0xffeb, 'MetaLeft'];
const functionKey = (n) => [0xffbd + n, `F${n}`];

/* What browsers and desktops keep for themselves: X keysym and code of each key, in order. */
const COMBINATIONS = [
    ...[1, 2, 3, 4, 5, 6].map((n) => ({
        label: `Ctrl-Alt-F${n}`,
        keys: [CTRL, ALT, functionKey(n)],
    })),
    { label: 'Ctrl-Alt-Backspace', keys: [CTRL, ALT, [0xff08, 'Backspace']] },
    { label: 'Alt-Tab', keys: [ALT, [0xff09, 'Tab']] },
    { label: 'Alt-F4', keys: [ALT, functionKey(4)] },
    { label: 'Super', keys: [SUPER] },
    { label: 'PrtSc', keys: [[0xff61, 'PrintScreen']] },
];

const POWER = [
    {
        label: 'Shut down',
        text: 'The guest is asked to shut down, as by its power button.',
        run: () => rfb.machineShutdown(),
    },
    {
        label: 'Reboot',
        text: 'The guest is asked to reboot.',
        run: () => rfb.machineReboot(),
    },
    {
        label: 'Reset',
        text: 'The guest is reset at once. What it has not written to its disks is lost.',
        run: () => rfb.machineReset(),
    },
];

const FIELDS = { username: 'User name', password: 'Password', target: 'Target' };

export const element = (id) => document.getElementById(id);
const clip = element('clipboard-panel');
const clipText = element('clipboard-text');

let rfb = null;             /* the screen of now */
let viewOnly = true;
let vm = '';
let actualSize = false;     /* one pixel for one pixel, not scaled to the window */
let dragging = false;       /* the pointer moves the picture, not the guest's pointer */
let cancel = null;          /* answers the open dialog with null */

/* Once, before the first screen. */
export function prepareTools(name, isViewOnly) {
    vm = name;
    viewOnly = isViewOnly;
    document.querySelectorAll('[data-rw]').forEach((tool) => { tool.hidden = viewOnly; });

    makeMenu(element('keys'), COMBINATIONS, (row) => sendKeys(row.keys));
    makeMenu(element('power'), POWER, askAndRun);
    document.addEventListener('pointerdown', (event) => {
        if (!event.target.closest('.menu')) {
            closeMenus();
        }
    }, { capture: true });
    element('ctrl-alt-del').onclick = () => {
        rfb.sendCtrlAltDel();
        focusScreen();
    };
    prepareClipboard();
    prepareSize();
    prepareFullScreen();
    prepareWayOut();
    prepareWayBack();
}

/* A new connection's screen takes over what the last one was set to. */
export function attachScreen(screen) {
    rfb = screen;
    rfb.viewOnly = viewOnly;
    rfb.showDotCursor = !viewOnly;
    rfb.background = 'transparent';
    applySize();
    element('power-tool').hidden = true;
    rfb.addEventListener('capabilities', (event) => {
        element('power-tool').hidden = viewOnly || !event.detail.capabilities.power;
    });
    rfb.addEventListener('clipboard', (event) => receiveClipboard(event.detail.text));
}

/* Tools work while a screen is connected; a question about one that is gone is withdrawn. */
export function enableTools(on) {
    element('tools').disabled = !on;
    if (!on) {
        closeMenus();
        showClipboard(false);
        cancel?.();
    }
}

export function focusScreen() {
    if (!cancel) {
        rfb?.focus();
    }
}

/* Into the clipboard of who looks; whether it is there. */
export async function copyText(text) {
    try {
        await navigator.clipboard.writeText(text);
        return true;
    } catch {
        return copySelected(text);
    }
}

/* Plain http from afar has nothing better. */
function copySelected(text) {
    const room = document.createElement('textarea');
    const before = document.activeElement;
    room.value = text;
    document.body.append(room);
    room.select();
    const good = document.execCommand('copy');
    room.remove();
    before?.focus();
    return good;
}

/* Keys and power */

function sendKeys(keys) {
    keys.forEach(([keysym, code]) => rfb.sendKey(keysym, code, true));
    [...keys].reverse().forEach(([keysym, code]) => rfb.sendKey(keysym, code, false));
    focusScreen();
}

async function askAndRun(row) {
    if (await ask({ title: `${row.label} ${vm}?`, text: row.text, yes: row.label })) {
        row.run();
    }
}

/* Menus */

function makeMenu(button, rows, choose) {
    const menu = element(button.getAttribute('aria-controls'));
    for (const row of rows) {
        const item = document.createElement('button');
        item.type = 'button';
        item.setAttribute('role', 'menuitem');
        item.tabIndex = -1;
        item.textContent = row.label;
        item.onclick = () => {
            closeMenus();
            choose(row);
        };
        menu.append(item);
    }
    button.onclick = () => {
        const opens = menu.hidden;
        closeMenus();
        if (opens) {
            menu.hidden = false;
            button.setAttribute('aria-expanded', 'true');
            menu.firstElementChild.focus();
        }
    };
    menu.onkeydown = (event) => moveInMenu(event, button, [...menu.children]);
}

function moveInMenu(event, button, items) {
    const at = items.indexOf(document.activeElement);
    const steps = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: -1 };
    if (event.key in steps) {
        event.preventDefault();
        items.at(steps[event.key] % items.length).focus();
    } else if (event.key === 'Escape' || event.key === 'Tab') {
        event.preventDefault();
        closeMenus();
        button.focus();
    }
}

function closeMenus() {
    for (const button of document.querySelectorAll('[aria-haspopup="menu"]')) {
        button.setAttribute('aria-expanded', 'false');
        element(button.getAttribute('aria-controls')).hidden = true;
    }
}

/* The clipboard */

function prepareClipboard() {
    clipText.readOnly = viewOnly;
    element('clipboard').onclick = () => {
        showClipboard(clip.hidden);
        if (clip.hidden) {
            focusScreen();
        } else {
            clipText.focus();
        }
    };
    element('clipboard-copy').onclick = () => {
        clipText.select();
        copyText(clipText.value);
    };
    element('clipboard-send').onclick = () => {
        rfb.clipboardPasteFrom(clipText.value);
        showClipboard(false);
        focusScreen();
    };
    clip.onkeydown = (event) => {
        if (event.key === 'Escape') {
            showClipboard(false);
            focusScreen();
        }
    };
}

function showClipboard(shown) {
    clip.hidden = !shown;
    element('clipboard').setAttribute('aria-expanded', String(shown));
    element('clipboard').removeAttribute('data-new');
}

function receiveClipboard(text) {
    clipText.value = text;
    if (clip.hidden) {
        element('clipboard').dataset.new = '';
    }
}

/* Size */

function prepareSize() {
    element('scale').onclick = () => {
        actualSize = !actualSize;
        dragging = false;   /* the pointer is the guest's until somebody says otherwise */
        applySize();
        focusScreen();
    };
    element('drag').onclick = () => {
        dragging = !dragging;
        applySize();
        focusScreen();
    };
}

function applySize() {
    rfb.scaleViewport = !actualSize;
    rfb.clipViewport = actualSize;
    rfb.dragViewport = actualSize && dragging;
    element('scale').setAttribute('aria-pressed', String(actualSize));
    element('drag').setAttribute('aria-pressed', String(dragging));
    element('drag').disabled = !actualSize;     /* not hidden: what stands beside it would move */
}

/* Full screen: there the guest gets Alt-Tab and Esc too, where the browser can lend them. */
function prepareFullScreen() {
    const button = element('full');
    button.hidden = !document.fullscreenEnabled;
    button.onclick = () => {
        if (document.fullscreenElement) {
            document.exitFullscreen();
        } else {
            document.documentElement.requestFullscreen().catch(() => {});
        }
        focusScreen();
    };
    document.addEventListener('fullscreenchange', () => {
        const full = document.fullscreenElement !== null;
        button.setAttribute('aria-pressed', String(full));
        if (full && !viewOnly) {
            navigator.keyboard?.lock?.().catch(() => {});
        } else {
            navigator.keyboard?.unlock?.();
        }
    });
}

/*
 * The screen swallows Tab. Ctrl, Alt and Shift pressed together, nothing else, and let go lead to the
 * bar: only then, so that no modifier stays down in the guest.
 */
function prepareWayOut() {
    const isModifier = (event) => ['Control', 'Alt', 'Shift', 'Meta'].includes(event.key);
    const held = (event) => [event.ctrlKey, event.altKey || event.metaKey, event.shiftKey];
    let armed = false;

    addEventListener('keydown', (event) => {
        armed = isModifier(event) && (armed || held(event).every(Boolean));
    }, { capture: true });
    addEventListener('keyup', (event) => {
        if (armed && !held(event).some(Boolean)) {
            armed = false;
            const seen = (tool) => tool.offsetParent !== null;
            /* After noVNC has had this key too. */
            setTimeout(() => [...element('tools').querySelectorAll('button')].find(seen)?.focus());
        }
    }, { capture: true });
}

/* Esc leads back from the bar to the screen, and so does Tab from either end of it, and of the panel. */
function prepareWayBack() {
    const back = (event) => {
        event.preventDefault();
        focusScreen();
    };
    const endsOf = (room) => {
        const stops = [...room.querySelectorAll('button, textarea')]
            .filter((stop) => stop.offsetParent !== null && !stop.disabled && stop.tabIndex >= 0);
        return [stops[0], stops.at(-1)];
    };

    element('tools').addEventListener('keydown', (event) => {
        const [first, last] = endsOf(element('tools'));
        if (event.defaultPrevented) {
            return;     /* it was a menu's */
        }
        if (event.key === 'Escape') {
            back(event);
        } else if (event.key === 'Tab' && event.target === (event.shiftKey ? first : last)) {
            if (event.shiftKey || clip.hidden) {
                back(event);
            } else {
                event.preventDefault();
                clipText.focus();
            }
        }
    });
    clip.addEventListener('keydown', (event) => {
        if (event.key === 'Tab' && !event.shiftKey && event.target === endsOf(clip)[1]) {
            back(event);
        }
    });
}

/* The dialog */

/* Asks; resolves to what was entered (an object by field), or null if the question is off. */
export function ask({ title, text, yes, fields = [] }) {
    cancel?.();
    const dialog = element('ask');
    element('ask-title').textContent = title;
    element('ask-text').textContent = text;
    element('ask-yes').textContent = yes;
    const inputs = fields.map(askField);

    return new Promise((resolve) => {
        const answer = (given) => {
            cancel = null;
            inputs.forEach((input) => input.parentElement.remove());
            dialog.close();
            resolve(given);
            focusScreen();
        };
        cancel = () => answer(null);
        element('ask-form').onsubmit = (event) => {
            event.preventDefault();
            answer(Object.fromEntries(inputs.map((input) => [input.name, input.value])));
        };
        element('ask-no').onclick = cancel;
        dialog.oncancel = cancel;
        dialog.showModal();
        (inputs[0] ?? element('ask-no')).focus();
    });
}

function askField(field) {
    const label = document.createElement('label');
    const input = document.createElement('input');
    input.name = field;
    input.type = field === 'password' ? 'password' : 'text';
    input.autocomplete = 'off';
    label.append(FIELDS[field] ?? field, input);
    element('ask-fields').append(label);
    return input;
}
