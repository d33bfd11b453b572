/* The server's side of one WebSocket, as little as the tests need: whole messages in and out. */

import { createHash } from 'node:crypto';

const MAGIC = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';
const TEXT = 1, BINARY = 2, CLOSE = 8;

/* Answers an upgrade; further header lines go along. */
export function acceptUpgrade(request, stream, ...lines) {
    const key = request.headers['sec-websocket-key'];
    const accept = createHash('sha1').update(key + MAGIC).digest('base64');
    stream.write(['HTTP/1.1 101 Switching Protocols', 'Upgrade: websocket', 'Connection: Upgrade',
        `Sec-WebSocket-Accept: ${accept}`, ...lines, '', ''].join('\r\n'));
    return new Socket(stream);
}

/* One masked frame from the front of `input`, or null while it is not whole. */
function readFrame(input) {
    const short = input.length < 2 ? 0 : input[1] & 127;
    const header = { 126: 4, 127: 10 }[short] ?? 2;
    if (input.length < header) {
        return null;
    }
    let length = short;
    if (header > 2) {
        length = header === 4 ? input.readUInt16BE(2) : Number(input.readBigUInt64BE(2));
    }
    const whole = header + 4 + length;
    if (input.length < whole) {
        return null;
    }
    const mask = input.subarray(header, header + 4);
    const body = Buffer.from(input.subarray(header + 4, whole)).map((byte, i) => byte ^ mask[i & 3]);
    return { opcode: input[0] & 15, body: Buffer.from(body), rest: input.subarray(whole) };
}

class Socket {
    constructor(stream) {
        this.stream = stream;
        this.input = Buffer.alloc(0);
        this.onbytes = () => {};
        this.onclose = () => {};
        stream.on('data', (data) => this.read(data));
        stream.on('error', () => {});
    }

    read(data) {
        this.input = Buffer.concat([this.input, data]);
        for (let frame = readFrame(this.input); frame; frame = readFrame(this.input)) {
            this.input = frame.rest;
            if (frame.opcode === CLOSE) {
                this.onclose(frame.body.length ? frame.body.readUInt16BE(0) : 1005);
                this.frame(CLOSE, frame.body.subarray(0, 2));
                this.stream.end();
            } else if (frame.opcode <= BINARY) {
                this.onbytes(frame.body);
            }
        }
    }

    frame(opcode, body) {
        const size = Buffer.alloc(body.length < 126 ? 1 : body.length < 65536 ? 3 : 9);
        size[0] = { 1: body.length, 3: 126, 9: 127 }[size.length];
        if (size.length > 1) {
            size.writeUIntBE(body.length, size.length === 3 ? 1 : 5, size.length === 3 ? 2 : 4);
        }
        this.stream.write(Buffer.concat([Buffer.from([0x80 | opcode]), size, body]));
    }

    send(...parts) {
        this.frame(BINARY, Buffer.concat(parts));
    }

    tell(words) {
        this.frame(TEXT, Buffer.from(words));
    }

    close(code, reason) {
        this.frame(CLOSE, Buffer.concat([Buffer.from([code >> 8, code & 255]), Buffer.from(reason)]));
        this.stream.end();
    }

    /* As a network that breaks: no close frame. */
    cut() {
        this.stream.destroy();
    }
}
