/*
 * The page of a real lodged, on a real guest, in a real browser. test_browser.py makes all three and says
 * where they are: LODGE_SOCKET, GUEST (a VM with a shell on its screen), SERIAL (the file that its serial
 * port is written into), PICTURES (a folder for what was seen).
 */

import assert from 'node:assert/strict';
import { readFileSync, watch } from 'node:fs';
import { connect } from 'node:net';

import { launch, runAll, runOn } from './browser.mjs';

const { LODGE_SOCKET, GUEST, SERIAL, PICTURES } = process.env;
const DEADLINE_MS = 90_000;

/* One call of the daemon's, on a connection of its own. */
function call(method, params = {}) {
    return new Promise((resolve, reject) => {
        const socket = connect(LODGE_SOCKET);
        let text = '';
        socket.on('data', (data) => {
            text += data;
            if (text.endsWith('\n')) {
                socket.end();
                const { result, error } = JSON.parse(text);
                error ? reject(new Error(error.message)) : resolve(result);
            }
        });
        socket.on('error', reject);
        socket.write(`${JSON.stringify({ jsonrpc: '2.0', id: 1, method, params })}\n`);
    });
}

const open = (mode) => call('console.open', { vm: GUEST, mode });

const times = (word) => readFileSync(SERIAL, 'latin1').split(word).length - 1;

/* Until the guest has written `word` to its serial port; once more than `before`, or in a new file. */
function heard(word, before = 0) {
    const said = () => times(word) > 0 && times(word) !== before;
    return new Promise((resolve, reject) => {
        const watcher = watch(SERIAL, look);
        const late = setTimeout(() => end(reject, new Error(`the guest did not say ${word}`)), DEADLINE_MS);
        function end(how, value) {
            clearTimeout(late);
            watcher.close();
            how(value);
        }
        function look() {
            if (said()) {
                end(resolve);
            }
        }
        look();
    });
}

const state = (page, name) => page.locator(`body[data-state="${name}"]`).waitFor({ timeout: DEADLINE_MS });

async function card(page, title) {
    await page.locator('#card h2', { hasText: title }).waitFor({ timeout: DEADLINE_MS });
    return (await page.locator('#card').innerText()).replaceAll(/\s+/g, ' ');
}

/* Until something other than black is painted; the share of the screen that is. */
async function painted(page) {
    const handle = await page.waitForFunction(() => {
        const seen = document.querySelector('#screen div > canvas');
        if (!seen?.width) {
            return false;
        }
        const { data } = seen.getContext('2d').getImageData(0, 0, seen.width, seen.height);
        let light = 0;
        for (let at = 0; at < data.length; at += 4) {
            light += data[at] + data[at + 1] + data[at + 2] > 60;
        }
        return light > 500 && { width: seen.width, height: seen.height, share: 4 * light / data.length };
    }, null, { timeout: DEADLINE_MS });
    return handle.jsonValue();
}

async function look(page, mode) {
    const opened = await open(mode);
    await page.goto(opened.url);
    await state(page, 'connected');
    await painted(page);
    return opened;
}

/* The guest's shell writes `word` to its serial port. Playwright presses no Shift for a `>`. */
async function say(page, word) {
    await page.keyboard.type(`echo ${word} `, { delay: 20 });
    await page.keyboard.press('Shift+Period');
    await page.keyboard.type('/dev/ttyS0\n', { delay: 20 });
}

const cases = {
    'the guest\'s own screen appears, and says whose it is': async (page) => {
        await look(page, 'rw');
        const seen = await painted(page);
        assert.ok(seen.width >= 640 && seen.height >= 400, JSON.stringify(seen));
        assert.equal(await page.title(), `${GUEST} – lodge`);
        await page.screenshot({ path: `${PICTURES}/screen.png` });
    },

    'keys typed in the page reach the guest': async (page) => {
        await look(page, 'rw');
        await say(page, 'typed-in-the-page');
        await heard('typed-in-the-page');
        await page.screenshot({ path: `${PICTURES}/typed.png` });
    },

    'keys of who may only look do not, and the page says so': async (page, browser) => {
        await look(page, 'ro');
        assert.ok(await page.locator('#badge').isVisible());
        await say(page, 'typed-read-only');
        await page.screenshot({ path: `${PICTURES}/read-only.png` });
        const other = await (await browser.newContext()).newPage();
        await look(other, 'rw');
        await say(other, 'typed-after-it');
        await heard('typed-after-it');   /* what was typed before it would have come before it */
        assert.ok(!readFileSync(SERIAL, 'latin1').includes('read-only'));
        await other.context().close();
    },

    'the second use of a link is refused, readably': async (page, browser) => {
        const opened = await look(page, 'rw');
        const other = await (await browser.newContext()).newPage();
        await other.goto(opened.url);
        assert.match(await card(other, 'This link does not work'), /opens a screen once.*lodge vnc/);
        await other.screenshot({ path: `${PICTURES}/used.png` });
        await other.context().close();
        await state(page, 'connected');
    },

    'a session that is closed says who closed it': async (page) => {
        const opened = await look(page, 'rw');
        await call('console.close', { session: opened.session });
        assert.match(await card(page, 'Session ended'), /root closed it/);
        await page.screenshot({ path: `${PICTURES}/closed.png` });
    },

    'a reload of the page goes on with the same session': async (page) => {
        const opened = await look(page, 'rw');
        await page.reload();
        await state(page, 'connected');
        await painted(page);
        const { sessions } = await call('console.list');
        assert.deepEqual(sessions.map((session) => session.session), [opened.session]);
        assert.deepEqual(await page.context().cookies(), []);
    },

    'another tab of the same browser does not come back into it': async (page) => {
        await look(page, 'rw');
        const other = await page.context().newPage();
        await other.goto(page.url());
        assert.match(await card(other, 'This tab cannot come back'), /lodge vnc/);
        await state(page, 'connected');
    },

    'a closed tab frees its place at once': async (page) => {
        const opened = await look(page, 'rw');
        await page.close();
        for (;;) {
            const { sessions } = await call('console.list');
            const [mine] = sessions.filter(({ session }) => session === opened.session);
            if (mine.state === 'away') {
                break;      /* and test_console.py says that it counts no more then */
            }
        }
    },

    'a guest that is paused is said to be': async (page) => {
        await look(page, 'rw');
        await call('vm.pause', { vm: GUEST, wait: true });
        await page.locator('#state', { hasText: 'paused by root' }).waitFor({ timeout: DEADLINE_MS });
        await page.screenshot({ path: `${PICTURES}/paused.png` });
        await call('vm.resume', { vm: GUEST, wait: true });
        await page.locator('#note').waitFor({ state: 'hidden', timeout: DEADLINE_MS });
    },

    'a guest that reboots keeps its screen, one that is forced off ends it, and Start brings it back': async (page) => {
        await look(page, 'rw');
        await call('vm.reset', { vm: GUEST, wait: true });
        await painted(page);
        await state(page, 'connected');
        await call('vm.stop', { vm: GUEST, wait: true });
        assert.match(await card(page, `${GUEST} was forced off by root`), /lodge vnc --start/);
        await page.screenshot({ path: `${PICTURES}/stopped.png` });
        await page.getByRole('button', { name: 'Start', exact: true }).click();
        await state(page, 'connected');
        await painted(page);
        await page.screenshot({ path: `${PICTURES}/started.png` });
    },

    'a guest that shuts itself down is said to have done so': async (page) => {
        await call('vm.stop', { vm: GUEST, wait: true });
        const before = times('tiny up after');
        await call('vm.start', { vm: GUEST, wait: true });
        await look(page, 'rw');
        await heard('tiny up after', before);
        await page.keyboard.type('poweroff -f\n', { delay: 20 });
        await card(page, `${GUEST} was shut down`);
        assert.ok(!(await page.locator('#card h2').innerText()).includes(' by '), 'nobody of lodge did it');
        await page.screenshot({ path: `${PICTURES}/shut-down.png` });
    },
};

const browser = await launch();
await runAll(cases, process.argv[2] ?? '', async (run, promise) => {
    const context = await browser.newContext({ viewport: { width: 1280, height: 800 } });
    const page = await context.newPage();
    const complaints = [];
    page.on('pageerror', (error) => complaints.push(error.stack));
    try {
        await runOn(page, promise, async () => {
            await run(page, browser);
            assert.deepEqual(complaints, [], 'the browser complains');
        });
    } finally {
        await context.close();
        for (const { session } of (await call('console.list')).sessions) {
            await call('console.close', { session }).catch(() => {});   /* it may have ended meanwhile */
        }
    }
}, () => browser.close());
