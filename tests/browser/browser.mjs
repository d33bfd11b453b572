/* What both suites of this folder share: Debian's Chromium, or why there is none, and the frame in which
 * cases run and are told. */

import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';

const CHROMIUM = process.env.CHROMIUM ?? '/usr/bin/chromium';
const SKIPPED = 77;

export function missing(what) {
    console.log(`skipped: ${what}`);
    console.log('0 passed, 0 failed, 1 skipped');
    process.exit(SKIPPED);
}

export async function launch() {
    let playwright;
    try {
        playwright = createRequire(import.meta.url)('playwright-core');   /* NODE_PATH counts too */
    } catch {
        missing('playwright-core is not installed (npm ci in tests/browser)');
    }
    if (!existsSync(CHROMIUM)) {
        missing(`no browser at ${CHROMIUM}`);
    }
    return playwright.chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox'] });
}

/* Runs a case on its page; of one that fails, what is seen then stays in a folder that its error names. */
export async function runOn(page, promise, run) {
    try {
        await run();
    } catch (error) {
        const name = `page.${promise.replaceAll(/[^A-Za-z0-9]+/g, '-')}.${process.pid}`;
        const folder = join(process.env.LODGE_FAILED ?? 'failed', name);
        mkdirSync(folder, { recursive: true });
        writeFileSync(join(folder, 'complaint.txt'), error.stack);
        writeFileSync(join(folder, 'page.html'), await page.content().catch(String));
        await page.screenshot({ path: join(folder, 'page.png'), timeout: 5000 }).catch(() => {});
        error.stack += `\nkept: ${folder}`;
        throw error;
    }
}

/* Runs those of `cases` (promise: function) whose promise has `word` in it, and leaves. */
export async function runAll(cases, word, runCase, done) {
    let passed = 0, failed = 0;
    for (const [promise, run] of Object.entries(cases).filter(([name]) => name.includes(word))) {
        const begun = performance.now();
        const took = () => `(${((performance.now() - begun) / 1000).toFixed(2)} s)`;
        try {
            await runCase(run, promise);
            passed += 1;
            console.log(`ok      ${promise} ${took()}`);
        } catch (error) {
            failed += 1;
            console.log(`FAILED  ${promise} ${took()}\n${error.stack.replaceAll(/^/gm, '    ')}`);
        }
    }
    await done();
    console.log(`${passed} passed, ${failed} failed`);
    process.exit(failed ? 1 : 0);
}
