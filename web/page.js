/*
 * A guest's screen: noVNC's core in a page of ours. The page owns the WebSocket, since its close code
 * and reason are what the reader is told; noVNC owns what goes over it. At any time the page is in one
 * state: idle (no link), opening, connected, lost (coming back) or ended (nothing goes on by itself).
 *
 * Nothing here decides who may do what: the daemon does. `mode` only says what to offer.
 */

import {
    actButton, code, command, hideCard, inCommands, nameGuest, offer, openCommand, sentenceOf, showCard, titleOf,
} from './card.js';
import { ask, attachScreen, element, enableTools, focusScreen, prepareTools } from './tools.js';

/* The daemon's close codes, each with a reason. Any other close is the network's: come back. */
const OVER = 4000;              /* nothing to do but to ask for another session */
const OFF = 4001;               /* the guest is off */
const AGAIN = 4002;             /* the guest is there: it can be opened again */
const ELSEWHERE = 4003;         /* another window goes on with it */
const GOODBYE = 1000;           /* our close code: nothing is wrong (RFC 6455 7.4.1) */
const RETURN_MS = 60_000;       /* the daemon keeps a broken session for that long */
const FIRST_DELAY_MS = 500;     /* between tries to come back; doubled up to the longest */
const LONGEST_DELAY_MS = 8_000;
const OPEN_MS = 6_000;          /* a try that says nothing for that long has failed */
const STEADY_MS = 5_000;        /* a connection that broke sooner belongs to the same outage */
const SECRET_BYTES = 32;

const screen = element('screen');
const address = readAddress();
let state = 'idle';
let secret = null;              /* what the session lets this page, and no other, come back by */
let RFB = null;                 /* noVNC's class, once loaded */
let channel = null;             /* the WebSocket of now, or of the last try */
let rfb = null;                 /* its object, while the connection of now is up */
let doing = '';                 /* what the daemon has said that the guest does */
let answered = false;           /* the daemon did, before the try that is under way */
let outage = null;              /* { until, tries, timer, tick } from a break until steady again */
let password = 'unasked';       /* or asked, refused: of a remote guest's VNC server */

/* The address */

/* What the fragment says. `+` is itself there, as encodeURIComponent leaves no bare one. */
function readAddress() {
    const said = new URLSearchParams(location.hash.slice(1).replaceAll('+', '%2B'));
    return {
        empty: location.hash.length < 2,
        session: said.get('session') ?? '',
        ticket: said.get('ticket'),
        vm: said.get('vm') ?? '',
        viewOnly: said.get('mode') !== 'rw',
    };
}

/* The ticket leaves the address bar, and with it the history, before anything else happens. */
function hideTicket() {
    const kept = ['session', 'vm'].map((key) => `${key}=${encodeURIComponent(address[key])}`);
    kept.push(`mode=${address.viewOnly ? 'ro' : 'rw'}`);
    history.replaceState(null, '', `#${kept.join('&')}`);
}

/* Relative to the page, so that a proxy may put the door below a path. */
function doorUrl(query) {
    const url = new URL('console', location.href);
    url.protocol = location.protocol === 'https:' ? 'wss:' : 'ws:';
    url.search = new URLSearchParams(query);
    url.hash = '';
    return url;
}

/*
 * The secret
 *
 * The page makes it and sends it with the ticket, behind the subprotocol: nothing else of an upgrade is
 * both a script's to set and kept out of logs. It stays in this tab, so that a reload may come back, and
 * goes nowhere by itself. Of several doors below one origin each has its own.
 */

const secretKey = () => `back ${location.pathname} ${address.session}`;

function makeSecret() {
    const bytes = crypto.getRandomValues(new Uint8Array(SECRET_BYTES));
    return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

/* A browser may deny its storage or have no room: then the page comes back as long as it stays open. */
function keepSecret() {
    try {
        sessionStorage.setItem(secretKey(), secret);
    } catch {
        console.info('This browser keeps nothing for the tab: a reload will not come back.');
    }
}

function keptSecret() {
    try {
        return sessionStorage.getItem(secretKey());
    } catch {
        return null;
    }
}

/* Words */

function setState(next, words) {
    state = next;
    document.body.dataset.state = state;
    document.body.removeAttribute('data-paused');
    element('state').textContent = words;
    element('note').hidden = true;
    enableTools(state === 'connected');
}

/* Nothing goes on by itself from here. */
function end(words, title, text, ...advice) {
    forgetOutage();
    rfb = null;
    screen.replaceChildren();
    if (document.fullscreenElement) {
        document.exitFullscreen();
    }
    setState('ended', words);
    showCard(title, text, ...advice);
}

/* Asks the daemon for the screen of a session that has ended, which may say no. */
function openAgain(wish, words) {
    hideCard();
    setState('opening', words);
    open({ session: address.session, ...wish });
}

function endSession(how, said) {
    const reason = inCommands(said);
    const [title, rest] = titleOf(reason);
    if (how === OFF) {
        end('off', title, rest ? sentenceOf(rest) : 'A guest that is off has no screen.',
            'Start it and open its screen', address.viewOnly ? ' with ' : ' here, or with ', command('vnc --start'));
        if (!address.viewOnly) {
            offer(actButton('Start', () => openAgain({ again: 'start' }, `starting ${address.vm}`), 'main'));
        }
    } else if (how === AGAIN) {
        end('ended', title, rest ? sentenceOf(rest) : 'This session has ended with that.',
            'Open it again here, or a new one with ', openCommand());
        offer(actButton('Open again', () => openAgain({ again: 'open' }, 'connecting'), 'main'));
    } else if (how === ELSEWHERE) {
        end('in another window', 'Another window has this screen', 'The session goes on there.',
            'Take it back here, or open one of its own with ', openCommand());
        offer(actButton('Open again', () => openAgain({}, 'connecting'), 'main'));
    } else {
        end('ended', 'Session ended',
            reason ? `This session has ended: ${sentenceOf(reason)}` : 'This session has ended.',
            'Open a new one: ', openCommand(), ', or ', code('v'), ' in the console.');
    }
}

function endAtLink() {
    end('not connected', 'This link does not work (any more)',
        'A link opens a screen once, within 30 seconds of being made.',
        'Ask for a new one: ', openCommand(), ', or ', code('v'), ' in the console.');
}

function endAtProxy() {
    const here = new URL('.', location.href);
    here.hash = '';
    end('not connected', 'lodge does not know this address',
        ['This page came from ', code(here.href), ', by way of a reverse proxy that lodge was not told of.'],
        'In ', code('lodged.conf'), ', section ', code('[console]'), ', set ', code(`public_url = ${here.href}`),
        ' and have lodged read it again (', code('systemctl reload lodged'), '). Then: ', openCommand());
}

function endElsewhere() {
    end('not connected', 'This tab cannot come back',
        'A session goes on only in the tab that opened it.',
        'Open a new one: ', openCommand(), ', or ', code('v'), ' in the console.');
}

function endAway() {
    end('connection lost', 'The connection did not come back',
        'Nobody answered for a minute. The guest is not touched by that.',
        'Once the daemon can be reached, open a new session: ', openCommand());
    offer(actButton('Open again', () => openAgain({}, 'connecting'), 'main'));
}

function endUnshown(reason) {
    end('not connected', 'The screen cannot be shown',
        reason ? `The guest's VNC server refused: ${sentenceOf(reason)}`
            : 'The guest\'s VNC server says or wants something that this page does not know.',
        'A local viewer may know more: ', command('vnc --viewer'));
}

/* The connection */

/* Opens the door's WebSocket: by ticket once, by session (and the secret) to come back. */
function open(query) {
    const mine = new WebSocket(doorUrl(query), ['binary', `back.${secret}`, 'told']);
    channel = mine;
    const patience = setTimeout(() => mine.close(), OPEN_MS);
    let opened = false;

    mine.addEventListener('open', () => {
        clearTimeout(patience);
        opened = true;
        answered = false;
        keepSecret();   /* not sooner: a used link would take the place of the one that is good */
        startScreen(mine);
    });
    /* noVNC sets its handlers later, so these run first; a text message is not the screen's. */
    mine.addEventListener('message', (event) => {
        if (typeof event.data === 'string') {
            event.stopImmediatePropagation();
            hear(event.data);
        }
    });
    mine.addEventListener('close', (event) => {
        clearTimeout(patience);
        if (state === 'ended') {
            return;
        }
        if (opened) {
            broke(event);
        } else {
            refused(query);
        }
    });
}

function startScreen(opened) {
    if (state === 'opening') {
        setState('opening', 'waiting for the screen');
    }
    const mine = new RFB(screen, opened, { shared: true });
    rfb = mine;
    attachScreen(mine);
    mine.addEventListener('connect', connected);
    mine.addEventListener('credentialsrequired', (event) => {
        giveCredentials(mine, event.detail.types);
    });
    mine.addEventListener('securityfailure', (event) => securityFailed(event.detail.reason));
    mine.addEventListener('disconnect', () => {
        /* Still the one of now: so noVNC gave up by itself, before the WebSocket closed. */
        if (rfb === mine) {
            endUnshown();
        }
    });
}

/* What the guest does that its screen does not show: that it is paused, and by whom; "": it runs. */
function hear(words) {
    doing = words;
    sayDoing();
}

function sayDoing() {
    const note = element('note');
    note.hidden = state !== 'connected' || doing === '';
    if (state === 'connected') {
        document.body.toggleAttribute('data-paused', doing !== '');
        element('state').textContent = doing || 'connected';
    }
    if (!note.hidden) {
        note.replaceChildren(`${address.vm || 'The guest'} is ${sentenceOf(doing)} It goes on with `,
            command('resume'));
    }
}

function connected() {
    screen.querySelector('.still')?.remove();
    hideCard();
    password = 'unasked';
    setState('connected', 'connected');
    sayDoing();
    if (outage) {
        clearInterval(outage.tick);
        outage.timer = setTimeout(forgetOutage, STEADY_MS);
    }
    focusScreen();
}

/* The WebSocket had been open. Any close but the daemon's own word is the network's. */
function broke(event) {
    keepStill();
    rfb = null;
    doing = '';
    if (password === 'refused') {
        beginOutage();
        open({ session: address.session });     /* the way back leads to the same question */
    } else if ([OVER, OFF, AGAIN, ELSEWHERE].includes(event.code)) {
        endSession(event.code, event.reason);
    } else {
        comeBack();
    }
}

/* The upgrade was refused, or nobody was there: a browser does not tell which. A daemon that answers
 * now may have come since: so it has refused only if it answered before that try as well. */
async function refused(query) {
    const answeredBefore = answered;
    if (await isForeign()) {
        endAtProxy();
    } else if ('ticket' in query) {
        endAtLink();
    } else {
        answered = await daemonAnswers();
        if (!answered) {
            comeBack();
        } else if (answeredBefore) {
            endSession(OVER, password === 'refused' ? 'the guest\'s VNC server refused the password' : '');
        } else {
            open(query);
        }
    }
}

/* The status of an answer to a question of ours; 0: nobody is there. */
async function statusOf(path) {
    try {
        const signal = AbortSignal.timeout(OPEN_MS);
        return (await fetch(path, { cache: 'no-store', signal })).status;
    } catch {
        return 0;
    }
}

const daemonAnswers = async () => await statusOf('healthz') === 200;

/* Whether this page came by an address that the daemon does not know as its own: a proxy's. */
async function isForeign() {
    return await statusOf(`console?${new URLSearchParams({ origin: location.origin })}`) === 403;
}

/* Coming back */

function beginOutage() {
    outage ??= { until: Date.now() + RETURN_MS, tries: 0 };
    clearTimeout(outage.timer);
}

function forgetOutage() {
    clearTimeout(outage?.timer);
    clearInterval(outage?.tick);
    outage = null;
}

/* Begins an outage, or goes on with one that is not over yet. */
function comeBack() {
    beginOutage();
    if (state !== 'lost') {
        sayLost();
    }
    const left = outage.until - Date.now();
    if (left <= 0) {
        endAway();
        return;
    }
    const delay = Math.min(FIRST_DELAY_MS * 2 ** outage.tries, LONGEST_DELAY_MS, left);
    outage.tries += 1;
    outage.timer = setTimeout(() => open({ session: address.session }), delay);
}

function sayLost() {
    const left = document.createElement('span');
    left.setAttribute('aria-hidden', 'true');   /* not to be read aloud each second */
    const count = () => {
        const seconds = Math.max(0, Math.ceil((outage.until - Date.now()) / 1000));
        left.textContent = `, for another ${seconds} s`;
    };
    count();
    clearInterval(outage.tick);
    outage.tick = setInterval(count, 1000);
    setState('lost', 'connection lost');
    showCard('Connection lost', ['Trying to come back', left, '.'], 'The guest goes on running.');
}

/* What was last seen stays, dimmed, while the page tries to come back: noVNC takes its canvas away. */
function keepStill() {
    const canvas = screen.querySelector('div > canvas');
    if (state !== 'connected' || !canvas?.width || !canvas.height) {
        return;
    }
    const still = document.createElement('canvas');
    still.className = 'still';
    still.width = canvas.width;
    still.height = canvas.height;
    still.style.width = canvas.style.width;
    still.style.height = canvas.style.height;
    still.getContext('2d').drawImage(canvas, 0, 0);
    screen.append(still);
}

/* A remote guest's password */

async function giveCredentials(asking, types) {
    const again = password === 'refused';
    password = 'asked';
    const given = await ask({
        title: again ? 'That password was refused' : 'This screen wants a password',
        text: 'The guest\'s VNC server asks for it. It is not the password of your account.',
        yes: 'Connect',
        fields: types,
    });
    if (rfb !== asking) {
        return;     /* the connection went meanwhile, and the question with it */
    }
    if (given) {
        asking.sendCredentials(given);
        return;
    }
    rfb = null;
    asking.disconnect();
    end('not connected', 'Not connected', 'This screen is shown with its password only.',
        'To be asked again, reload this page within a minute.');
}

/* noVNC closes the WebSocket after this. */
function securityFailed(reason) {
    if (password === 'asked') {
        password = 'refused';
        rfb = null;
    } else {
        endUnshown(reason);
    }
}

/* The start */

function welcome() {
    showCard('Screens of guests',
        'lodge shows the screen of a virtual machine here, to whoever has a link to it.',
        'To get one: ', code('lodge vnc NAME'), ', or ', code('v'), ' on a guest in the console.');
}

function showName() {
    document.title = address.vm ? `${address.vm} – lodge` : 'lodge';
    element('name').textContent = address.vm;
    element('name').title = address.vm;
    element('badge').hidden = !address.viewOnly;
    element('bar').hidden = false;
}

/*
 * A page that goes says so, and its place is free for another at once. It may be a reload, which comes
 * back; and a browser may put the page aside and show it again, which is as a reload then.
 */
function sayGoodbye() {
    addEventListener('pagehide', () => channel?.close(GOODBYE));
    addEventListener('pageshow', (event) => {
        if (event.persisted) {
            location.reload();
        }
    });
}

async function start() {
    addEventListener('hashchange', () => location.reload());    /* a new link, in this window */
    if (address.empty) {
        welcome();
        return;
    }
    hideTicket();
    nameGuest(address.vm);
    showName();
    if (!/^\d+$/.test(address.session)) {
        endAtLink();
        return;
    }
    secret = address.ticket === null ? keptSecret() : makeSecret();
    if (secret === null) {
        endElsewhere();
        return;
    }
    sayGoodbye();
    prepareTools(address.vm, address.viewOnly);
    setState('opening', 'connecting');
    try {
        ({ default: RFB } = await import('./novnc/core/rfb.js'));
    } catch {
        end('not connected', 'noVNC is missing', 'The daemon found no noVNC to show the screen with.',
            'Install the package ', code('novnc'), ', or set ', code('novnc_dir'), ' in ',
            code('lodged.conf'), '.');
        return;
    }
    open(address.ticket === null ? { session: address.session } : { ticket: address.ticket });
}

start();
