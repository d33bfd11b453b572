/*
 * The page of a real lodged through a reverse proxy, whose certificate nobody knows. test_console_proxy.py
 * calls it: `node proxy.mjs opens|says URL`; at a line CUT it cuts the connections.
 */

import assert from 'node:assert/strict';

import { launch, runOn } from './browser.mjs';

const [, , what, url] = process.argv;
const DEADLINE_MS = 120_000;

const state = (page, name) => page.locator(`body[data-state="${name}"]`).waitFor({ timeout: DEADLINE_MS });

const cases = {
    async opens(page) {
        await state(page, 'connected');
        console.log('CUT');
        await state(page, 'lost');
        await state(page, 'connected');
        await page.reload();
        await state(page, 'connected');
    },

    async says(page) {
        await page.locator('#card h2', { hasText: 'does not know this address' }).waitFor({ timeout: DEADLINE_MS });
        const text = await page.locator('#card').innerText();
        assert.ok(text.includes(`public_url = ${url.split('#')[0]}`), text);
        if (process.env.PICTURES) {
            await page.screenshot({ path: `${process.env.PICTURES}/proxy.png` });
        }
    },
};

const browser = await launch();
const context = await browser.newContext({ ignoreHTTPSErrors: true, viewport: { width: 1000, height: 640 } });
const page = await context.newPage();
page.setDefaultTimeout(DEADLINE_MS);
try {
    await runOn(page, `proxy ${what}`, async () => {
        await page.goto(url);
        await cases[what](page);
    });
} finally {
    await browser.close();
}
