import { isPrivateHost, readUrl } from './urls';

/** Reads the texts that people paste into a credential as they are meant. The time grows with the length of the text, no faster. */

/** The name of a header or of a variable, also from a command, and the word before the key, which may be there twice. */
const BEFORE_KEY =
	/^(?:export |-H ?["']?)?(?:[\w-]{1,40}["']?:|\w{1,40}_(?:KEY|TOKEN)=(?=[^=]))?["']?(?:bearer(?:(?:\s|%20|\+)+|$))*/i;

const AROUND_KEY = new Set(['"', "'", '`', ',', ';', '<', '>']);

/**
 * @returns the key without what was pasted along with it: `Bearer`, a header's name, quotes, blanks and characters that
 * nobody sees. It is fit to be a header's value
 */
export function readKey(text: unknown): string {
	if (typeof text !== 'string') return '';
	const line = withoutEdges(text.replace(/[^ -~]+/g, ' ').trim());
	// Blanks between the name of a header and the key are no part of either.
	const start = line
		.slice(0, 100)
		.replace(/\s*:\s*/, ':')
		.replace(BEFORE_KEY, '');
	return withoutEdges(start + line.slice(100)).replaceAll(' ', '');
}

function withoutEdges(text: string): string {
	let [start, end] = [0, text.length];
	const isEdge = (at: number) => text[at] === ' ' || AROUND_KEY.has(text[at]);
	while (start < end && isEdge(start)) start++;
	while (end > start && isEdge(end - 1)) end--;
	return text.slice(start, end);
}

/**
 * Reads the Base URL of an API.
 * @returns the address without a slash at its end, or what is wrong with it, to follow "The Base URL …"
 */
export function readBaseUrl(text: unknown): { base: string } | { problem: string } {
	const href = typeof text === 'string' ? readUrl(withoutEdges(text)) : undefined;
	if (href === undefined) return { problem: 'is no http or https URL' };
	const { protocol, hostname, username, password, origin, pathname, search } = new URL(href);
	if (username !== '' || password !== '') {
		return { problem: 'holds a user name or a password, which would be shown and logged' };
	}
	if (protocol === 'http:' && !isPrivateHost(hostname)) {
		return { problem: 'is http, so the API key would cross the internet in the open: use https' };
	}
	if (search !== '') return { problem: 'has a query, which no path can follow' };
	let end = pathname.length;
	while (end > 0 && pathname[end - 1] === '/') end--;
	return { base: origin + pathname.slice(0, end) };
}
