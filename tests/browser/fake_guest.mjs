/* A guest's VNC server on one WebSocket: RFB 3.8, raw pixels, QEMU's extended keys. */

import { createCipheriv, randomBytes } from 'node:crypto';

const u8 = (...bytes) => Buffer.from(bytes);
const u16 = (...values) => Buffer.concat(values.map((value) => u8(value >> 8, value & 255)));
const u32 = (value) => u8(value >>> 24, value >> 16 & 255, value >> 8 & 255, value & 255);
const counted = (text) => Buffer.concat([u32(Buffer.byteLength(text)), Buffer.from(text)]);

const RAW = 0, EXTENDED_KEYS = -258, NONE = 1, VNC_PASSWORD = 2;

/* Client messages by their first byte: name, bytes of header and of all, and what a test wants of it. */
const MESSAGES = {
    0: { name: 'format', header: 20, size: () => 20 },
    2: { name: 'encodings', header: 4, size: (bytes) => 4 + 4 * bytes.readUInt16BE(2) },
    3: { name: 'update', header: 10, size: () => 10 },
    4: {
        name: 'key',
        header: 8,
        size: () => 8,
        read: (bytes) => ({ down: bytes[1] === 1, keysym: bytes.readUInt32BE(4) }),
    },
    5: {
        name: 'pointer',
        header: 6,
        size: () => 6,
        read: (bytes) => ({ buttons: bytes[1], x: bytes.readUInt16BE(2), y: bytes.readUInt16BE(4) }),
    },
    6: {
        name: 'clipboard',
        header: 8,
        size: (bytes) => 8 + Math.abs(bytes.readInt32BE(4)),
        read: (bytes) => ({ text: bytes.toString('latin1', 8) }),
    },
    150: { name: 'continuous', header: 10, size: () => 10 },
    250: { name: 'power', header: 4, size: () => 4, read: (bytes) => ({ action: bytes[3] }) },
    255: {
        name: 'key',
        header: 12,
        size: () => 12,
        read: (bytes) => ({ down: bytes[3] === 1, keysym: bytes.readUInt32BE(4) }),
    },
};

export class Guest {
    /* `is`: width, height, paint(x, y) -> [r, g, b], and maybe password, power, greeting. */
    constructor(socket, is, say) {
        Object.assign(this, { socket, is, say, input: Buffer.alloc(0), wake: () => {} });
        this.shifts = [16, 8, 0];
        socket.onbytes = (bytes) => {
            this.input = Buffer.concat([this.input, bytes]);
            this.wake();
        };
        socket.onclose = (code) => say({ name: 'goodbye', code });
        this.serve().catch((error) => {
            say({ name: 'trouble', error });
            socket.cut();
        });
    }

    async take(length) {
        while (this.input.length < length) {
            await new Promise((resolve) => { this.wake = resolve; });
        }
        const taken = this.input.subarray(0, length);
        this.input = this.input.subarray(length);
        return taken;
    }

    async serve() {
        const { greeting, password, width, height } = this.is;
        this.socket.send(Buffer.from(greeting ?? 'RFB 003.008\n'));
        await this.take(12);
        this.socket.send(u8(1, password ? VNC_PASSWORD : NONE));
        await this.take(1);
        if (password && !await this.passwordIsRight(password)) {
            this.socket.send(u32(1), counted('Authentication failed'));
            return;
        }
        this.socket.send(u32(0));
        this.say({ name: 'shared', shared: (await this.take(1))[0] === 1 });
        this.socket.send(u16(width, height), u8(32, 24, 0, 1), u16(255, 255, 255),
            u8(...this.shifts, 0, 0, 0), counted('guest'));
        for (;;) {
            await this.message();
        }
    }

    async passwordIsRight(password) {
        const challenge = Buffer.alloc(16, randomBytes(16));
        this.socket.send(challenge);
        const answer = await this.take(16);
        /* VNC turns the bits of each byte of its DES key; thrice the same key makes 3DES plain DES. */
        const turn = (byte) => parseInt([...byte.toString(2).padStart(8, '0')].reverse().join(''), 2);
        const key = Buffer.from(password.padEnd(8, '\0').slice(0, 8)).map(turn);
        const des = createCipheriv('des-ede3-ecb', Buffer.concat([key, key, key]), null);
        return des.setAutoPadding(false).update(challenge).equals(answer);
    }

    async message() {
        const type = await this.take(1);
        const row = MESSAGES[type[0]];
        if (!row) {
            throw new Error(`a client message of type ${type[0]}`);
        }
        const header = Buffer.concat([type, await this.take(row.header - 1)]);
        const bytes = Buffer.concat([header, await this.take(row.size(header) - row.header)]);
        if (row.name === 'format') {
            this.shifts = [...bytes.subarray(14, 17)];
        } else if (row.name === 'encodings') {
            this.announce();
        } else if (row.name === 'update' && bytes[1] === 0) {
            this.paint();
        }
        this.say({ name: row.name, ...row.read?.(bytes) });
    }

    announce() {
        this.socket.send(u8(0, 0), u16(1, 0, 0, 0, 0), u32(EXTENDED_KEYS));
        if (this.is.power) {
            this.socket.send(u8(250, 0, 1, 1));
        }
    }

    paint() {
        const { width, height, paint } = this.is;
        const pixels = Buffer.alloc(width * height * 4);
        const [red, green, blue] = this.shifts;
        for (let y = 0, at = 0; y < height; y++) {
            for (let x = 0; x < width; x++, at += 4) {
                const [r, g, b] = paint(x, y);
                pixels.writeUInt32LE((r << red | g << green | b << blue) >>> 0, at);
            }
        }
        this.socket.send(u8(0, 0), u16(1, 0, 0, width, height), u32(RAW), pixels);
    }

    clipboard(text) {
        this.socket.send(u8(3, 0, 0, 0), counted(text));
    }
}
