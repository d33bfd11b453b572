/* What the page shows, as a person finds it, and what the guest behind the door of a case was sent. */

export const DEADLINE_MS = 60_000;

export const COLOUR = [32, 96, 160];
export const KEYSYM = { control: 0xffe3, alt: 0xffe9, del: 0xffff, f2: 0xffbf, tab: 0xff09, escape: 0xff1b };

/* What a page shows, by role and name as a person finds it. */
export const button = (page, name) => page.getByRole('button', { name, exact: true });
export const cardTitle = (page) => page.locator('#card h2');
export const canvas = (page) => page.locator('#screen div > canvas');

export const waitForState = (page, state) => page.locator(`body[data-state="${state}"]`)
    .waitFor({ timeout: DEADLINE_MS });

export async function waitForCard(page, title) {
    await page.locator('#card h2', { hasText: title }).waitFor({ timeout: DEADLINE_MS });
    return (await page.locator('#card').innerText()).replaceAll(/\s+/g, ' ');
}

/* Opens a link and waits until the guest was asked for its picture. */
export async function openScreen({ door, page }, options) {
    const link = door.link(options);
    await page.goto(link.url);
    await waitForState(page, 'connected');
    await door.until(() => door.named('update').length > 0, 'a request for the picture');
    return link;
}

/* The colour in the middle of the guest's picture, once something is painted there. */
export async function middleColour(page) {
    const handle = await page.waitForFunction(() => {
        const seen = document.querySelector('#screen div > canvas');
        const at = [seen.width >> 1, seen.height >> 1, 1, 1];
        const pixel = seen.width && seen.getContext('2d').getImageData(...at).data;
        return pixel && pixel[0] + pixel[1] + pixel[2] > 0 && [...pixel.slice(0, 3)];
    }, null, { timeout: DEADLINE_MS });
    return handle.jsonValue();
}

/* All that was sent before the page's answer to a new picture has then arrived. */
export async function roundTrip(door) {
    const before = door.named('update').length;
    door.screen.paint();
    await door.until(() => door.named('update').length > before, 'a request for the next picture');
}

/* The guest's pixel that is seen near the corner of its picture, where each has a colour of its own. */
export const MAP = { width: 2000, height: 1400, paint: (x, y) => [x & 255, y & 255, x >> 8 << 4 | y >> 8] };
export const cornerPixel = (page) => page.evaluate(() => {
    const seen = document.querySelector('#screen div > canvas');
    const [x, y, high] = seen.getContext('2d').getImageData(5, 5, 1, 1).data;
    return [x + 256 * (high >> 4), y + 256 * (high & 15)];
});

export const pressed = (door) => door.named('key').filter((key) => key.down).map((key) => key.keysym);
