/*
 * A door as the daemon's, made for tests: serves the page with the daemon's headers, takes tickets and
 * secrets at /console, and has a made-up guest behind it. A test says what the guest is like, sees each
 * client message in `messages`, and closes connections as it likes.
 */

import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';

import { Guest } from './fake_guest.mjs';
import { acceptUpgrade } from './websocket.mjs';

const HEADERS = {
    'Content-Security-Policy': [
        "default-src 'none'", "script-src 'self'", "style-src 'self'", "img-src 'self' data: blob:",
        "connect-src 'self'", "base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'",
    ].join('; '),
    'X-Content-Type-Options': 'nosniff',
    'Referrer-Policy': 'no-referrer',
    'Cache-Control': 'no-store',
};
const TYPES = {
    html: 'text/html; charset=utf-8',
    js: 'text/javascript; charset=utf-8',
    css: 'text/css; charset=utf-8',
    svg: 'image/svg+xml',
};
const PAGE = ['index.html', 'page.js', 'card.js', 'tools.js', 'page.css', 'icon.svg'];
const REFUSAL = 'HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\nConnection: close\r\n\r\n';

export class Door {
    constructor({ web, novnc }) {
        Object.assign(this, { web, novnc, streams: new Set(), next: 1, port: 0 });
        this.reset();
    }

    /* A new guest and no session: what each test starts from. */
    reset(guest = {}) {
        this.guest = { width: 640, height: 400, paint: () => [32, 96, 160], ...guest };
        this.tickets = new Map();       /* ticket -> session */
        this.sessions = new Map();      /* session -> its page's secret */
        this.isForeign = false;         /* as behind a proxy that the daemon was not told of */
        this.answer = null;
        this.upgrades = [];
        this.messages = [];
        this.waits = [];
        this.screen = null;             /* the guest's end of the newest connection */
    }

    async listen(port = 0) {
        this.server = createServer((request, answer) => this.serve(request, answer));
        this.server.on('upgrade', (request, stream) => this.upgrade(request, stream));
        this.server.on('connection', (stream) => {
            this.streams.add(stream);
            stream.on('close', () => this.streams.delete(stream));
        });
        await new Promise((resolve) => this.server.listen(port, '127.0.0.1', resolve));
        this.port = this.server.address().port;
    }

    /* As a daemon that was killed: nobody listens, all connections are cut. */
    async stop() {
        const closed = new Promise((resolve) => this.server.close(resolve));
        this.streams.forEach((stream) => stream.destroy());
        await closed;
    }

    fileOf(path) {
        const name = path === '/' ? 'index.html' : path.slice(1);
        if (PAGE.includes(name)) {
            return `${this.web}/${name}`;
        }
        return path.startsWith('/novnc/') && this.novnc ? this.novnc + path.slice(6) : '';
    }

    async serve(request, answer) {
        const { pathname: path, searchParams } = new URL(request.url, 'http://door');
        if (path === '/healthz') {
            answer.writeHead(200, HEADERS).end('ok\n');
            return;
        }
        if (path === '/console' && searchParams.has('origin')) {
            answer.writeHead(this.isForeign ? 403 : 200, HEADERS).end();
            return;
        }
        const file = this.fileOf(path);
        try {
            const body = await readFile(file);
            const type = TYPES[file.split('.').pop()] ?? 'application/octet-stream';
            answer.writeHead(200, { ...HEADERS, 'Content-Type': type }).end(body);
        } catch {
            answer.writeHead(404, HEADERS).end();
        }
    }

    /* A link as the daemon makes it. */
    link({ mode = 'rw', vm = 'web1' } = {}) {
        const ticket = randomBytes(32).toString('hex');
        const session = this.next++;
        this.tickets.set(ticket, session);
        const name = encodeURIComponent(vm);
        const fragment = `session=${session}&ticket=${ticket}&vm=${name}&mode=${mode}`;
        return { ticket, session, url: `http://127.0.0.1:${this.port}/#${fragment}` };
    }

    /* The session that a WebSocket's address and secret open, if any. */
    redeem(query, secret) {
        const ticket = query.get('ticket');
        const byTicket = this.tickets.get(ticket);
        if (byTicket !== undefined) {
            this.tickets.delete(ticket);
            this.sessions.set(byTicket, secret);
            return byTicket;
        }
        const asked = Number(query.get('session'));
        return this.sessions.get(asked) === secret ? asked : undefined;
    }

    upgrade(request, stream) {
        const query = new URL(request.url, 'http://door').searchParams;
        const [, secret] = /^binary, back\.([0-9a-f]{64}), told$/.exec(request.headers['sec-websocket-protocol']) ?? [];
        const session = secret && this.redeem(query, secret);
        this.upgrades.push(query.has('ticket') ? 'ticket' : query.get('again') ?? 'session');
        if (session === undefined || this.isForeign) {
            stream.end(REFUSAL);
            return;
        }
        const socket = acceptUpgrade(request, stream, 'Sec-WebSocket-Protocol: binary');
        if (this.answer) {      /* to a page that asks for what has ended */
            socket.close(...this.answer);
            return;
        }
        this.screen = new Guest(socket, this.guest, (message) => this.say(message));
    }

    /* Messages */

    say(message) {
        this.messages.push(message);
        this.waits = this.waits.filter((look) => !look());
    }

    /* Resolves once `holds()` does, looked at after each message; at the deadline says what came. */
    until(holds, what, deadline = 60_000) {
        return new Promise((resolve, reject) => {
            const late = setTimeout(() => {
                const came = this.messages.map((message) => JSON.stringify(message)).join('\n');
                reject(new Error(`${what} did not come, but:\n${came}`));
            }, deadline);
            const look = () => {
                if (!holds()) {
                    return false;
                }
                clearTimeout(late);
                resolve();
                return true;
            };
            if (!look()) {
                this.waits.push(look);
            }
        });
    }

    named(name) {
        return this.messages.filter((message) => message.name === name);
    }
}
