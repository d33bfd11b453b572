/* Cases of page.test.mjs: how a session ends, and what leads back to it. */

import assert from 'node:assert/strict';

import {
    button, canvas, cardTitle, COLOUR, DEADLINE_MS, middleColour, openScreen, pressed, roundTrip,
    waitForCard, waitForState,
} from './looks.mjs';

export const endings = {
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
        await t.page.keyboard.type('ls \n');      /* which was meant for the guest */
        assert.deepEqual(t.door.upgrades, ['ticket'], 'a key has started it');

        t.door.answer = [4001, '\'web1\' was not started: there is no room (vm.stop)'];
        await button(t.page, 'Start').click();
        assert.match(await waitForCard(t.page, 'web1 was not started'), /there is no room \(lodge stop\)\./);

        t.door.answer = null;
        await button(t.page, 'Start').click();
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

    'a daemon that comes back while it is asked whether it is there is found': async (t) => {
        t.expected = /WebSocket connection to .* failed|ERR_CONNECTION_REFUSED/;
        await openScreen(t);
        const { port } = t.door;
        let back;
        await t.page.route('**/healthz', async (route) => {
            back ??= t.door.listen(port);
            await back;
            await route.continue();
        });

        await t.door.stop();

        await waitForState(t.page, 'lost');
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
};
