/*
 * The card in the middle of the page, on which everything stands that a person reads: a title, words,
 * commands about the guest that can be copied, and buttons. What they mean is page.js's.
 */

import { copyText, element } from './tools.js';

/* Of what the daemon says, in the command line's words: its methods, in brackets, between others or alone. */
const METHODS = {
    'vm.start': 'lodge start', 'vm.stop': 'lodge stop', 'vm.resume': 'lodge resume', 'vm.shutdown': 'lodge shutdown',
    'vm.delete': 'lodge rm', 'vm.adopt': 'lodge adopt', 'vm.list': 'lodge ls', 'host.list': 'lodge hosts',
    'op.cancel': 'lodge ops N --cancel', 'op.get': 'lodge ops N', 'console.close': 'lodge sessions N --close',
    'console.list': 'lodge sessions', 'quota.get': 'lodge quota',
};

let guest = '';     /* what it is called */

export function nameGuest(name) {
    guest = name;
}

export function code(text) {
    const node = document.createElement('code');
    node.textContent = text;
    return node;
}

/* A command about this guest, `lodge VERB NAME`, as it can be pasted into a shell, and what copies it. */
export function command(verb) {
    const name = guest || 'NAME';
    const plain = /^[\w.@:+%][\w.@:+%-]*$/.test(name);
    const text = `lodge ${verb} ${plain ? name : `'${name.replaceAll("'", "'\\''")}'`}`;
    const copy = actButton('Copy', async () => {
        copy.textContent = await copyText(text) ? 'Copied' : 'Not copied';
    });
    copy.setAttribute('aria-label', `Copy ${text}`);
    const both = document.createElement('span');
    both.className = 'command';
    both.append(code(text), copy);
    return both;
}

export const openCommand = () => command('vnc');

export function actButton(label, act, ...classes) {
    const button = document.createElement('button');
    button.type = 'button';
    button.textContent = label;
    button.classList.add(...classes);
    button.onclick = act;
    return button;
}

/* What the card offers beside its words. None has the keyboard's focus: a card comes while one types. */
export function offer(...buttons) {
    element('card-buttons').replaceChildren(...buttons);
    element('card-buttons').hidden = buttons.length === 0;
}

export function showCard(title, text, ...advice) {
    offer();
    element('card-title').textContent = title;
    element('card-text').replaceChildren(...[text].flat());
    element('card-advice').replaceChildren(...advice);
    element('card').hidden = false;
}

export function hideCard() {
    element('card').hidden = true;
}

/* What the daemon says */

export const inCommands = (said) => said.replaceAll(/(?<![\w.'/-])(?:vm|host|op|console|quota)\.[a-z_]+(?![\w./-])/g,
    (method) => METHODS[method] ?? method);

export const sentenceOf = (reason) => `${reason.replace(/\.$/, '')}.`;

/* A title and the rest of it: the guest's name, which is quoted in a sentence, stands for itself. */
export function titleOf(reason) {
    const about = `'${guest}': `; /* who it is about, before what: the page is about nobody else */
    const [, head, rest] = /^(.*?)(?:: (.*))?$/s.exec(reason.startsWith(about) ? reason.slice(about.length) : reason);
    const quoted = `'${guest}' `;
    if (head.startsWith(quoted)) {
        return [`${guest} ${head.slice(quoted.length)}`, rest];
    }
    return [head.charAt(0).toUpperCase() + head.slice(1), rest];
}
