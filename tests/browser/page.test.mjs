/*
 * The page in a real browser, at a door of ours (fake_door.mjs). Each case has a page and a guest of its
 * own; whatever the browser complains of on its console fails it, unless the case says that it must.
 * `node page.test.mjs [WORD]` runs the cases with that word in their promise. 77: no browser here.
 */

import assert from 'node:assert/strict';
import { fileURLToPath } from 'node:url';

import { launch, runAll, runOn } from './browser.mjs';
import { Door } from './fake_door.mjs';

const NOVNC = process.env.NOVNC_DIR ?? '/usr/share/novnc';
const WEB = fileURLToPath(new URL('../../web', import.meta.url));
const DEADLINE_MS = 10_000;

const COLOUR = [32, 96, 160];
const KEYSYM = { control: 0xffe3, alt: 0xffe9, del: 0xffff, f2: 0xffbf, tab: 0xff09, escape: 0xff1b };

/* What a page shows, by role and name as a person finds it. */
const button = (page, name) => page.getByRole('button', { name, exact: true });
const cardTitle = (page) => page.locator('#card h2');
const canvas = (page) => page.locator('#screen div > canvas');

const waitForState = (page, state) => page.locator(`body[data-state="${state}"]`)
    .waitFor({ timeout: DEADLINE_MS });

async function waitForCard(page, title) {
    await page.locator('#card h2', { hasText: title }).waitFor({ timeout: DEADLINE_MS });
    return (await page.locator('#card').innerText()).replaceAll(/\s+/g, ' ');
}

/* Opens a link and waits until the guest was asked for its picture. */
async function openScreen({ door, page }, options) {
    const link = door.link(options);
    await page.goto(link.url);
    await waitForState(page, 'connected');
    await door.until(() => door.named('update').length > 0, 'a request for the picture');
    return link;
}

/* The colour in the middle of the guest's picture, once something is painted there. */
async function middleColour(page) {
    const handle = await page.waitForFunction(() => {
        const seen = document.querySelector('#screen div > canvas');
        const at = [seen.width >> 1, seen.height >> 1, 1, 1];
        const pixel = seen.width && seen.getContext('2d').getImageData(...at).data;
        return pixel && pixel[0] + pixel[1] + pixel[2] > 0 && [...pixel.slice(0, 3)];
    }, null, { timeout: DEADLINE_MS });
    return handle.jsonValue();
}

/* All that was sent before the page's answer to a new picture has then arrived. */
async function roundTrip(door) {
    const before = door.named('update').length;
    door.screen.paint();
    await door.until(() => door.named('update').length > before, 'a request for the next picture');
}

/* The guest's pixel that is seen near the corner of its picture, where each has a colour of its own. */
const MAP = { width: 2000, height: 1400, paint: (x, y) => [x & 255, y & 255, x >> 8 << 4 | y >> 8] };
const cornerPixel = (page) => page.evaluate(() => {
    const seen = document.querySelector('#screen div > canvas');
    const [x, y, high] = seen.getContext('2d').getImageData(5, 5, 1, 1).data;
    return [x + 256 * (high >> 4), y + 256 * (high & 15)];
});

const pressed = (door) => door.named('key').filter((key) => key.down).map((key) => key.keysym);

const cases = {
    'the screen appears in the colour that the guest paints': async (t) => {
        await openScreen(t);

        assert.deepEqual(await middleColour(t.page), COLOUR);
        assert.equal(await t.page.title(), 'web1 – lodge');
        assert.equal(await t.page.locator('#state').innerText(), 'connected');
        assert.equal(t.door.named('shared')[0].shared, true, 'others may look too');
    },

    'the ticket leaves the address and stands nowhere in the page, the secret in the tab alone': async (t) => {
        const link = await openScreen(t);
        const secret = t.door.sessions.get(link.session);

        const left = await t.page.evaluate(() => [location.href, document.documentElement.outerHTML,
            document.cookie, JSON.stringify(localStorage), JSON.stringify(history.state)].join('\n'));
        const tab = await t.page.evaluate(() => JSON.stringify(sessionStorage));
        assert.ok(!left.includes(link.ticket) && !tab.includes(link.ticket), left + tab);
        assert.ok(!left.includes(secret) && tab.includes(secret), left + tab);
        assert.equal(new URL(t.page.url()).hash, `#session=${link.session}&vm=web1&mode=rw`);
        await t.page.goBack().catch(() => {});
        assert.ok(!t.page.url().includes(link.ticket));
    },

    'keys typed at once after opening reach the guest': async (t) => {
        await openScreen(t);

        await t.page.keyboard.type('lodge');

        await t.door.until(() => pressed(t.door).length >= 5, 'five keys');
        assert.equal(String.fromCharCode(...pressed(t.door)), 'lodge');
    },

    'the pointer reaches the guest where it is on its screen': async (t) => {
        await openScreen(t);
        await middleColour(t.page);

        await canvas(t.page).click();

        const clicks = () => t.door.named('pointer').filter((pointer) => pointer.buttons === 1);
        await t.door.until(() => clicks().length > 0, 'a click');
        assert.ok(Math.abs(clicks()[0].x - 320) <= 2, JSON.stringify(clicks()));
        assert.ok(Math.abs(clicks()[0].y - 200) <= 2, JSON.stringify(clicks()));
    },

    'Ctrl-Alt-Del and the combinations arrive whole and let go': async (t) => {
        await openScreen(t);

        await button(t.page, 'Ctrl-Alt-Del').click();
        await t.door.until(() => t.door.named('key').length >= 6, 'Ctrl-Alt-Del');
        assert.deepEqual(pressed(t.door), [KEYSYM.control, KEYSYM.alt, KEYSYM.del]);
        assert.equal(await t.page.evaluate(() => document.activeElement.tagName), 'CANVAS');

        await button(t.page, 'Keys').click();
        await t.page.getByRole('menuitem', { name: 'Ctrl-Alt-F2' }).click();
        await t.door.until(() => t.door.named('key').length >= 12, 'Ctrl-Alt-F2');
        assert.deepEqual(pressed(t.door).slice(3), [KEYSYM.control, KEYSYM.alt, KEYSYM.f2]);
        const still = t.door.named('key').reduce((down, key) => down + (key.down ? 1 : -1), 0);
        assert.equal(still, 0, 'keys that stay down');

        await t.page.keyboard.type('x');
        await t.door.until(() => pressed(t.door).includes(0x78), 'a key after the menu');
    },

    'a screen that is only looked at sends no key, pointer or clipboard': async (t) => {
        await openScreen(t, { mode: 'ro' });
        await middleColour(t.page);
        assert.ok(await t.page.getByText('view only').isVisible());
        for (const name of ['Ctrl-Alt-Del', 'Keys', 'Power']) {
            assert.ok(!await button(t.page, name).isVisible(), name);
        }

        await canvas(t.page).click();
        await t.page.keyboard.type('no');
        await t.page.mouse.wheel(0, 200);
        await button(t.page, 'Clipboard').click();
        assert.ok(!await button(t.page, 'Send to guest').isVisible());
        assert.ok(!await t.page.getByLabel('The guest\'s clipboard').isEditable());
        await roundTrip(t.door);

        const sent = t.door.messages.filter(({ name }) => ['key', 'pointer', 'clipboard'].includes(name));
        assert.deepEqual(sent, []);
    },

    'the clipboard goes both ways': async (t) => {
        await openScreen(t);

        t.door.screen.clipboard('from the guest');
        await t.page.locator('#clipboard[data-new]').waitFor({ timeout: DEADLINE_MS });
        await button(t.page, 'Clipboard').click();
        const text = t.page.getByLabel('The guest\'s clipboard');
        assert.equal(await text.inputValue(), 'from the guest');

        await text.fill('to the guest');
        await button(t.page, 'Send to guest').click();
        await t.door.until(() => t.door.named('clipboard').length > 0, 'the clipboard');
        assert.equal(t.door.named('clipboard')[0].text, 'to the guest');
        assert.equal(t.door.named('key').length, 0, 'what was typed into the panel is not the guest\'s');
    },

    'power is offered only if the guest has it, and asks first': async (t) => {
        await openScreen(t);
        await roundTrip(t.door);
        assert.ok(!await button(t.page, 'Power').isVisible());

        t.door.reset({ power: true });
        await t.page.goto('about:blank');
        await openScreen(t);
        await button(t.page, 'Power').click();
        await t.page.getByRole('menuitem', { name: 'Reset' }).click();
        await button(t.page, 'Cancel').click();
        await roundTrip(t.door);
        assert.equal(t.door.named('power').length, 0, 'a power message after Cancel');

        await button(t.page, 'Power').click();
        await t.page.getByRole('menuitem', { name: 'Reset' }).click();
        await button(t.page, 'Reset').click();
        await t.door.until(() => t.door.named('power').length > 0, 'the power message');
        assert.equal(t.door.named('power')[0].action, 4);
    },

    'the screen fills the window, or is shown 1:1': async (t) => {
        await openScreen(t);
        await middleColour(t.page);
        const width = async () => Math.round((await canvas(t.page).boundingBox()).width);
        const scaled = await width();
        assert.ok(scaled > 1000, `${scaled} of 1280 pixels`);

        await button(t.page, 'Actual size (1:1)').click();
        await t.page.waitForFunction(() => document.querySelector('#screen canvas').offsetWidth === 640);

        await button(t.page, 'Actual size (1:1)').click();
        await t.page.waitForFunction((was) => {
            const box = document.querySelector('#screen canvas').getBoundingClientRect();
            return Math.round(box.width) === was;
        }, scaled);
    },

    'in 1:1 neither the picture nor a button of the bar moves but by Drag': async (t) => {
        t.door.reset(MAP);
        await openScreen(t);
        await middleColour(t.page);
        const boxes = async () => JSON.stringify(await t.page.evaluate(() => ['#scale', '#full', '#screen']
            .map((which) => document.querySelector(which).getBoundingClientRect())));
        const drag = async () => {
            await t.page.mouse.move(400, 300);
            await t.page.mouse.down();
            await t.page.mouse.move(300, 250, { steps: 5 });
            await t.page.mouse.up();
            await roundTrip(t.door);
        };
        const before = await boxes();

        await button(t.page, 'Actual size (1:1)').click();
        await t.page.waitForFunction(() => document.querySelector('#screen canvas').width === 1280);
        assert.equal(await boxes(), before, 'a button is elsewhere after 1:1');
        await drag();
        assert.deepEqual(await cornerPixel(t.page), [5, 5], 'the pointer has moved the picture');
        const clicks = t.door.named('pointer').filter((pointer) => pointer.buttons === 1);
        assert.deepEqual([clicks.at(-1).x, clicks.at(-1).y], [300, 210], 'the guest was not told where');

        await button(t.page, 'Drag').click();
        await drag();
        assert.deepEqual(await cornerPixel(t.page), [105, 55], 'Drag does not move it');
        await button(t.page, 'Drag').click();

        await button(t.page, 'Full screen').click();
        await t.page.mouse.move(600, 500);
        const waitForBar = (shown) => t.page.waitForFunction((wanted) => {
            const { bottom } = document.querySelector('#bar').getBoundingClientRect();
            return document.fullscreenElement && (wanted ? bottom > 30 : bottom < 6);
        }, shown, { timeout: DEADLINE_MS });
        const seen = async () => JSON.stringify([await canvas(t.page).boundingBox(), await cornerPixel(t.page)]);
        await waitForBar(false);
        await roundTrip(t.door);
        const hidden = await seen();
        await t.page.mouse.move(600, 1);
        await waitForBar(true);
        await roundTrip(t.door);
        assert.equal(await seen(), hidden, 'the bar has moved the picture');
    },

    'in full screen the bar comes to the pointer, and the keys stay the guest\'s': async (t) => {
        await openScreen(t);
        const waitForBar = (shown) => t.page.waitForFunction((wanted) => {
            const { bottom } = document.querySelector('#bar').getBoundingClientRect();
            return document.fullscreenElement && (wanted ? bottom > 30 : bottom < 6);
        }, shown, { timeout: DEADLINE_MS });

        await button(t.page, 'Full screen').click();
        await t.page.mouse.move(600, 500);
        await waitForBar(false);
        await t.page.keyboard.type('f');
        await t.door.until(() => pressed(t.door).includes(0x66), 'a key in full screen');

        await t.page.mouse.move(600, 1);
        await waitForBar(true);
        await button(t.page, 'Full screen').click();
        await t.page.waitForFunction(() => document.fullscreenElement === null);
    },

    'Ctrl, Alt and Shift together lead out of the screen': async (t) => {
        await openScreen(t);

        for (const key of ['Control', 'Alt', 'Shift']) {
            await t.page.keyboard.down(key);
        }
        for (const key of ['Shift', 'Alt', 'Control']) {
            await t.page.keyboard.up(key);
        }

        assert.equal(await t.page.evaluate(() => document.activeElement.id), 'ctrl-alt-del');
        await t.door.until(() => t.door.named('key').length >= 6, 'the keys');
        const still = t.door.named('key').reduce((down, key) => down + (key.down ? 1 : -1), 0);
        assert.equal(still, 0, 'modifiers that stay down in the guest');
    },

    'Tab and Esc are the guest\'s on its screen, and lead back to it from the bar': async (t) => {
        await openScreen(t);
        const focused = () => t.page.evaluate(() => document.activeElement.id || document.activeElement.tagName);
        await t.page.keyboard.press('Tab');
        await t.page.keyboard.press('Escape');
        await t.door.until(() => t.door.named('key').length >= 4, 'Tab and Esc');
        assert.deepEqual(pressed(t.door), [KEYSYM.tab, KEYSYM.escape]);
        assert.equal(await focused(), 'CANVAS');

        await t.page.locator('#ctrl-alt-del').focus();
        await t.page.keyboard.press('Escape');
        assert.equal(await focused(), 'CANVAS', 'Esc in the bar');
        await t.page.locator('#full').focus();
        await t.page.keyboard.press('Tab');
        assert.equal(await focused(), 'CANVAS', 'Tab from its last button');
        await t.page.locator('#ctrl-alt-del').focus();
        await t.page.keyboard.press('Shift+Tab');
        assert.equal(await focused(), 'CANVAS', 'Shift-Tab from its first');
        await t.page.locator('#ctrl-alt-del').focus();
        await t.page.keyboard.press('Tab');
        assert.equal(await focused(), 'keys', 'Tab within it');

        await t.page.keyboard.press('Enter');
        await t.page.keyboard.press('Escape');
        assert.equal(await focused(), 'keys', 'Esc closes the menu first');
        await t.page.keyboard.press('Escape');
        assert.equal(await focused(), 'CANVAS', 'and then leads back');

        await t.page.locator('#clipboard').click();
        await t.page.locator('#full').focus();
        await t.page.keyboard.press('Tab');
        assert.equal(await focused(), 'clipboard-text', 'the panel comes behind the bar');
        await t.page.locator('#clipboard-send').focus();
        await t.page.keyboard.press('Tab');
        assert.equal(await focused(), 'CANVAS', 'Tab from the panel\'s last button');
        await t.page.keyboard.type('q');
        await t.door.until(() => pressed(t.door).length >= 3, 'a key after all that');
        assert.deepEqual(pressed(t.door).slice(2), [0x71], 'what led back was not the guest\'s');
    },

    'a session that the daemon ends says why and does not come back': async (t) => {
        await openScreen(t);

        t.door.screen.socket.close(4000, 'the guest was shut off');

        assert.match(await waitForCard(t.page, 'Session ended'),
            /This session has ended: the guest was shut off\. Open a new one: lodge vnc web1 Copy/);
        assert.equal(await canvas(t.page).count(), 0, 'the picture of a session that has ended');
        assert.deepEqual(t.door.upgrades, ['ticket']);
    },

    'an end is said as what it was, with a command that works': async (t) => {
        const rows = [
            [4001, '\'web1\' was shut down', 'web1 was shut down', 'lodge vnc --start web1'],
            [4001, '\'web1\' was forced off by root', 'web1 was forced off by root', 'lodge vnc --start web1'],
            [4002, '\'web1\' was stopped and started again', 'web1 was stopped and started again', 'lodge vnc web1'],
            [4002, 'the guest\'s VNC server closed', 'The guest\'s VNC server closed', 'lodge vnc web1'],
            [4003, 'continued in another window', 'Another window has this screen', 'lodge vnc web1'],
            [4000, 'alice closed it', 'Session ended', 'lodge vnc web1'],
        ];
        await t.page.context().grantPermissions(['clipboard-read', 'clipboard-write']);
        for (const [code, reason, title, command] of rows) {
            await openScreen(t);
            t.door.screen.socket.close(code, reason);
            await waitForState(t.page, 'ended');
            assert.equal(await cardTitle(t.page).innerText(), title);
            await button(t.page, `Copy ${command}`).click();
            await t.page.getByText('Copied').waitFor({ timeout: DEADLINE_MS });
            assert.equal(await t.page.evaluate(() => navigator.clipboard.readText()), command);
        }
    },

    'Start asks for the guest to be started, and its screen appears in the same tab': async (t) => {
        t.expected = /Failed when connecting/;      /* noVNC's, of a refusal */
        await openScreen(t);
        t.door.screen.socket.close(4001, '\'web1\' was shut down');
        await waitForCard(t.page, 'web1 was shut down');

        t.door.answer = [4001, '\'web1\' was not started: there is no room (vm.stop)'];
        await button(t.page, 'Start').click();
        assert.match(await waitForCard(t.page, 'web1 was not started'), /there is no room \(lodge stop\)\./);

        t.door.answer = null;
        assert.equal(await t.page.evaluate(() => document.activeElement.textContent), 'Start');
        await t.page.keyboard.press('Enter');
        await waitForState(t.page, 'connected');
        assert.deepEqual(t.door.upgrades, ['ticket', 'start', 'start']);
        assert.deepEqual(await middleColour(t.page), COLOUR);
        await t.page.keyboard.type('s');
        await t.door.until(() => pressed(t.door).includes(0x73), 'a key after Start');
    },

    'Open again asks for the screen again, of another window too; who only looks cannot start': async (t) => {
        await openScreen(t, { mode: 'ro' });
        t.door.screen.socket.close(4002, '\'web1\' was stopped and started again');
        await waitForCard(t.page, 'web1 was stopped and started again');
        await button(t.page, 'Open again').click();
        await waitForState(t.page, 'connected');

        t.door.screen.socket.close(4003, 'continued in another window');
        await waitForCard(t.page, 'Another window has this screen');
        await button(t.page, 'Open again').click();
        await waitForState(t.page, 'connected');
        assert.deepEqual(t.door.upgrades, ['ticket', 'open', 'session']);

        t.door.screen.socket.close(4001, '\'web1\' was shut down');
        await waitForCard(t.page, 'web1 was shut down');
        assert.equal(await button(t.page, 'Start').count(), 0);
        await openScreen(t);
        t.door.screen.socket.close(4000, 'root closed it');
        await waitForCard(t.page, 'Session ended');
        assert.equal(await button(t.page, 'Start').count() + await button(t.page, 'Open again').count(), 0);
    },

    'a reload after the end says the end again': async (t) => {
        t.expected = /Failed when connecting/;
        await openScreen(t);
        t.door.screen.socket.close(4001, '\'web1\' was forced off by root');
        await waitForState(t.page, 'ended');
        t.door.answer = [4001, '\'web1\' was forced off by root'];

        await t.page.reload();

        await waitForCard(t.page, 'web1 was forced off by root');
        assert.ok(await button(t.page, 'Start').isVisible());
    },

    'a guest that is paused is said to be, with the command to go on, and its screen stays': async (t) => {
        await openScreen(t);
        const colour = await middleColour(t.page);
        const box = JSON.stringify(await canvas(t.page).boundingBox());

        t.door.screen.socket.tell('paused by root');
        await t.page.locator('#state', { hasText: 'paused by root' }).waitFor({ timeout: DEADLINE_MS });
        assert.match((await t.page.locator('#note').innerText()).replaceAll(/\s+/g, ' '),
            /web1 is paused by root\. It goes on with lodge resume web1 Copy/);
        await roundTrip(t.door);
        assert.deepEqual(await middleColour(t.page), colour);
        assert.equal(JSON.stringify(await canvas(t.page).boundingBox()), box, 'the note has moved the picture');

        t.door.screen.socket.tell('');
        await t.page.locator('#note').waitFor({ state: 'hidden', timeout: DEADLINE_MS });
        assert.equal(await t.page.locator('#state').innerText(), 'connected');
    },

    'a broken connection comes back by its session': async (t) => {
        await openScreen(t);
        await middleColour(t.page);

        t.door.screen.socket.cut();
        await waitForCard(t.page, 'Connection lost');
        assert.ok(await t.page.locator('canvas.still').isVisible(), 'the picture that was last seen');
        await waitForState(t.page, 'connected');

        assert.deepEqual(await middleColour(t.page), COLOUR);
        assert.ok(!await t.page.locator('#card').isVisible());
        assert.deepEqual(t.door.upgrades, ['ticket', 'session']);
        await t.page.keyboard.type('b');
        await t.door.until(() => pressed(t.door).includes(0x62), 'a key after coming back');
    },

    'a close with another code is a broken connection too': async (t) => {
        await openScreen(t);

        t.door.screen.socket.close(1011, 'backend');
        await waitForState(t.page, 'lost');
        await waitForState(t.page, 'connected');
    },

    'a session that is over while the network was away says so': async (t) => {
        t.expected = /WebSocket connection to .* failed|403/;
        const { session } = await openScreen(t);

        t.door.sessions.delete(session);
        t.door.screen.socket.cut();

        assert.match(await waitForCard(t.page, 'Session ended'), /Open a new one: lodge vnc web1/);
    },

    'a daemon that is away is tried again, and found': async (t) => {
        t.expected = /WebSocket connection to .* failed|ERR_CONNECTION_REFUSED/;
        await openScreen(t);
        const { port } = t.door;

        await t.door.stop();
        await waitForState(t.page, 'lost');
        await t.page.waitForEvent('requestfailed', { timeout: DEADLINE_MS });
        await t.door.listen(port);

        await waitForState(t.page, 'connected');
    },

    'after a minute without an answer the page gives up': async (t) => {
        t.expected = /WebSocket connection to .* failed|ERR_CONNECTION_REFUSED|503/;
        await t.page.clock.install();
        await openScreen(t);
        const { port } = t.door;

        await t.door.stop();
        await waitForState(t.page, 'lost');
        const tries = () => t.page.waitForEvent('requestfailed', { timeout: DEADLINE_MS });
        while (await cardTitle(t.page).innerText() === 'Connection lost') {
            const failed = tries().catch(() => {});     /* the last one ends with the page's word */
            await t.page.clock.runFor(8_000);
            await Promise.race([failed, cardTitle(t.page).getByText('did not come').waitFor()]);
        }

        assert.match(await waitForCard(t.page, 'did not come back'), /lodge vnc web1/);
        await t.door.listen(port);
    },

    'reloading the page comes back by its session': async (t) => {
        await openScreen(t);

        await t.page.reload();
        await waitForState(t.page, 'connected');

        assert.deepEqual(await middleColour(t.page), COLOUR);
        assert.deepEqual(t.door.upgrades, ['ticket', 'session']);
    },

    'a tab that is closed, left or reloaded says goodbye, one whose network breaks cannot': async (t) => {
        const goodbyes = (count) => t.door.until(() => t.door.named('goodbye').length === count, `goodbye ${count}`);
        await openScreen(t);
        t.door.screen.socket.cut();
        await waitForState(t.page, 'lost');
        await waitForState(t.page, 'connected');
        assert.equal(t.door.named('goodbye').length, 0);

        await t.page.reload();
        await waitForState(t.page, 'connected');
        await goodbyes(1);
        await t.page.goto('about:blank');
        await goodbyes(2);
        const second = await t.page.context().newPage();
        await second.goto(t.door.link().url);
        await waitForState(second, 'connected');
        await second.close();
        await goodbyes(3);
        assert.deepEqual(t.door.named('goodbye').map(({ code }) => code), [1000, 1000, 1000]);
    },

    'a second tab at the same address does not come back, and leaves the first alone': async (t) => {
        await openScreen(t);

        const second = await t.page.context().newPage();
        await second.goto(t.page.url());

        assert.match(await waitForCard(second, 'This tab cannot come back'), /Open a new one: lodge vnc web1/);
        assert.deepEqual(t.door.upgrades, ['ticket'], 'it did not even knock');
        await t.page.bringToFront();
        await t.page.keyboard.type('s');
        await t.door.until(() => pressed(t.door).includes(0x73), 'a key of the first tab');
    },

    'each link has a secret of its own, and each session in the tab is come back to': async (t) => {
        const first = await openScreen(t);
        const second = await openScreen(t, { vm: 'web2' });
        assert.notEqual(t.door.sessions.get(first.session), t.door.sessions.get(second.session));

        await t.page.goBack();
        await t.page.getByTitle('web1', { exact: true }).waitFor({ timeout: DEADLINE_MS });
        await waitForState(t.page, 'connected');
    },

    'a link that was used does not cost the tab its way back': async (t) => {
        t.expected = /WebSocket connection to .* failed|403/;
        const { url } = await openScreen(t);

        await t.page.goto(url);
        await waitForCard(t.page, 'This link does not work (any more)');
        await t.page.reload();

        await waitForState(t.page, 'connected');
    },

    'a browser that keeps nothing for a tab comes back by the page alone': async (t) => {
        await t.page.addInitScript(() => Object.defineProperty(window, 'sessionStorage', {
            get() {
                throw new DOMException('denied', 'SecurityError');
            },
        }));
        await openScreen(t);

        t.door.screen.socket.cut();
        await waitForState(t.page, 'lost');
        await waitForState(t.page, 'connected');
        await t.page.reload();

        await waitForCard(t.page, 'This tab cannot come back');
    },

    'a link that was used says so': async (t) => {
        t.expected = /WebSocket connection to .* failed|403/;
        const link = t.door.link();
        t.door.tickets.clear();

        await t.page.goto(link.url);

        const text = await waitForCard(t.page, 'This link does not work (any more)');
        assert.match(text, /opens a screen once, within 30 seconds/);
        assert.match(text, /lodge vnc web1 Copy ?, or v in the console/);
        assert.ok(!t.page.url().includes(link.ticket));
    },

    'behind a proxy that lodge does not know the page says what to set, and to what': async (t) => {
        t.expected = /WebSocket connection to .* failed|403/;
        t.door.isForeign = true;

        await t.page.goto(t.door.link().url);

        const text = await waitForCard(t.page, 'lodge does not know this address');
        assert.ok(text.includes(`[console], set public_url = http://127.0.0.1:${t.door.port}/`), text);
    },

    'a new link in the same window opens': async (t) => {
        t.expected = /WebSocket connection to .* failed|403/;
        const used = t.door.link();
        t.door.tickets.delete(used.ticket);
        await t.page.goto(used.url);
        await waitForState(t.page, 'ended');

        await t.page.goto(t.door.link({ vm: 'web2' }).url);

        await waitForState(t.page, 'connected');
        assert.equal(await t.page.title(), 'web2 – lodge');
    },

    'the bare address says what this is': async (t) => {
        await t.page.goto(`http://127.0.0.1:${t.door.port}/`);

        assert.match(await waitForCard(t.page, 'Screens of guests'), /lodge vnc NAME/);
        assert.ok(!await t.page.locator('#bar').isVisible());
    },

    'a name is text, and a command that can be pasted': async (t) => {
        const vm = '<b>it\'s</b> a+b';
        await openScreen(t, { vm });

        assert.equal(await t.page.locator('#name').innerText(), vm);
        t.door.screen.socket.close(4000, '<i>closed</i> by alice');
        const text = await waitForCard(t.page, 'Session ended');
        assert.ok(text.includes('<i>closed</i> by alice'), text);
        assert.ok(text.includes('lodge vnc \'<b>it\'\\\'\'s</b> a+b\''), text);
    },

    'a password is asked for, again after a wrong one': async (t) => {
        t.expected = /Authentication failed/;
        t.door.reset({ password: 'secret' });
        await t.page.goto(t.door.link().url);
        const dialog = t.page.getByRole('dialog');

        await dialog.getByLabel('Password').fill('wrong');
        await t.page.keyboard.press('Enter');
        await dialog.getByText('That password was refused').waitFor({ timeout: DEADLINE_MS });
        await dialog.getByLabel('Password').fill('secret');
        await button(t.page, 'Connect').click();

        await waitForState(t.page, 'connected');
        assert.deepEqual(await middleColour(t.page), COLOUR);
        await t.page.keyboard.type('p');
        await t.door.until(() => pressed(t.door).includes(0x70), 'a key after the dialog');
    },

    'a password that is not given ends it': async (t) => {
        t.door.reset({ password: 'secret' });
        await t.page.goto(t.door.link().url);

        await t.page.getByRole('dialog').getByLabel('Password').press('Escape');

        await waitForCard(t.page, 'Not connected');
    },

    'a server that speaks something else is said to': async (t) => {
        t.expected = /Invalid server version/;
        t.door.reset({ greeting: 'RFB 009.009\n' });

        await t.page.goto(t.door.link().url);

        assert.match(await waitForCard(t.page, 'The screen cannot be shown'), /lodge vnc --viewer web1/);
    },

    'a door without noVNC says what is missing': async (t) => {
        t.expected = /404/;
        t.door.novnc = null;

        await t.page.goto(t.door.link().url);

        assert.match(await waitForCard(t.page, 'noVNC is missing'), /novnc_dir/);
    },
};

/* The frame of all cases */

async function runCase(browser, door, run, promise) {
    const context = await browser.newContext({ viewport: { width: 1280, height: 800 } });
    const page = await context.newPage();
    const t = { door, page, expected: null };
    const complaints = [];
    page.on('console', (message) => {
        const ours = message.text().includes('willReadFrequently');   /* middleColour() reads pixels */
        if (['error', 'warning'].includes(message.type()) && !ours) {
            complaints.push(message.text());
        }
    });
    page.on('pageerror', (error) => complaints.push(error.stack));

    try {
        door.reset();
        door.novnc = NOVNC;
        await runOn(page, promise, async () => {
            await run(t);
            assert.deepEqual(complaints.filter((text) => !t.expected?.test(text)), [], 'the browser complains');
            assert.deepEqual(door.named('trouble'), [], 'the page sent what no guest knows');
        });
    } finally {
        await context.close();
    }
}

const browser = await launch();
const door = new Door({ web: WEB, novnc: NOVNC });
await door.listen();
await runAll(cases, process.argv[2] ?? '', (run, promise) => runCase(browser, door, run, promise), async () => {
    await browser.close();
    await door.stop();
});
