/*
 * The page in a real browser, at a door of ours (fake_door.mjs). Each case has a page and a guest of its
 * own; whatever the browser complains of on its console fails it, unless the case says that it must.
 * `node page.test.mjs [WORD]` runs the cases with that word in their promise. 77: no browser here.
 */

import assert from 'node:assert/strict';
import { fileURLToPath } from 'node:url';

import { launch, runAll, runOn } from './browser.mjs';
import { endings } from './endings.mjs';
import { Door } from './fake_door.mjs';
import {
    button, canvas, COLOUR, cornerPixel, DEADLINE_MS, KEYSYM, MAP, middleColour, openScreen, pressed,
    roundTrip, waitForCard, waitForState,
} from './looks.mjs';

const NOVNC = process.env.NOVNC_DIR ?? '/usr/share/novnc';
const WEB = fileURLToPath(new URL('../../web', import.meta.url));

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
await runAll({ ...cases, ...endings }, process.argv[2] ?? '', (run, promise) => runCase(browser, door, run, promise), async () => {
    await browser.close();
    await door.stop();
});
