import { isObject } from './unknown';

/** Reading addresses, in one place: what was checked is what is sent, and what is asked for. */

/**
 * Characters that nobody sees and that belong to no address: marks of direction, blanks without width, controls.
 * They come along when a text is copied from a chat, a document or a web page. Joiners and variation selectors stay
 * within an address, as names in many scripts are written with them.
 */
const INVISIBLE =
	/(?!\p{Join_Control}|\p{Variation_Selector})[\p{Default_Ignorable_Code_Point}\p{Cc}\p{Zl}\p{Zp}]/gu;

/** Neither begins nor ends an address. */
const EDGE = /\s|\p{Join_Control}|\p{Variation_Selector}/u;

/**
 * Reads an absolute http(s) address as a browser reads what is pasted into it: without what cannot be seen, with
 * blanks and umlauts encoded, and with `https:/host` for what it is.
 * @returns the address as every program understands it, or undefined where the value is none
 */
export function readUrl(value: unknown): string | undefined {
	if (typeof value !== 'string') return undefined;
	const url = parseUrl(withoutInvisible(value));
	if (url === undefined) return undefined;
	const { protocol, hostname, href } = url;
	return (protocol === 'http:' || protocol === 'https:') && hostname !== '' ? href : undefined;
}

/**
 * `URL.parse`, which Node.js 20 does not have. `URL.canParse` cannot stand in: after some thousand calls Node.js 20 and 22
 * take every address with umlauts for invalid.
 * @param base what a relative address is relative to
 * @returns undefined where the text is no address
 */
export function parseUrl(text: string, base?: string): URL | undefined {
	try {
		return new URL(text, base);
	} catch {
		return undefined;
	}
}

export function isHttpUrl(value: unknown): value is string {
	return readUrl(value) !== undefined;
}

/**
 * Result links, which come as texts or as `{url}`, in a list or as the only one; anything that is no http(s) link is
 * left out.
 */
export function readLinks(value: unknown): string[] {
	return [value]
		.flat()
		.map((entry) => readUrl(isObject(entry) ? entry.url : entry))
		.filter((link) => link !== undefined);
}

/** A long address may come broken into lines, indented ones too. */
function withoutInvisible(text: string): string {
	const line = text
		.split(/[\t\r\n]/)
		.map((part) => part.trim())
		.join('')
		.replace(INVISIBLE, '');
	let [start, end] = [0, line.length];
	while (start < end && EDGE.test(line[start])) start++;
	while (end > start && EDGE.test(line[end - 1])) end--;
	return line.slice(start, end);
}

/** IPv4 ranges: https://www.iana.org/assignments/iana-ipv4-special-registry */
const PRIVATE_V4 = [
	/^(0|10|127)\./,
	/^100\.(6[4-9]|[7-9]\d|1[01]\d|12[0-7])\./,
	/^169\.254\./,
	/^172\.(1[6-9]|2\d|3[01])\./,
	/^192\.168\./,
	// Documentation and benchmarks, multicast and reserved.
	/^(192\.0\.[02]|198\.1[89]|198\.51\.100|203\.0\.113)\./,
	/^(22[4-9]|2[3-5]\d)\./,
];

/** Names that exist inside a network only: RFC 2606, 6761, 6762, 8375 and 9476, and what routers, Docker and Kubernetes use. */
const PRIVATE_NAME =
	/(\.(alt|arpa|corp|docker|home|internal|intranet|invalid|lan|local|localdomain|localhost|onion|private|svc|test)|(^|\.)fritz\.box)$/;

/** Public names that lead to the own machine: everybody has another one there. */
const OWN_MACHINE = /(^|\.)(localtest\.me|lvh\.me|vcap\.me|localho\.st)$/;

/** Public names that lead to the IPv4 address in them. */
const NAMED_V4 = /(?:^|[.-])(\d+)[.-](\d+)[.-](\d+)[.-](\d+)\.(?:nip\.io|sslip\.io)$/;

/**
 * Whether a host is surely out of reach from the internet: loopback, private and reserved addresses, also where an
 * IPv6 address only wraps one; names without a dot, such as those of Docker; endings that only local networks use; public
 * names that stand for such an address.
 * @param hostname as `URL` gives it: lower case, IPv6 in brackets
 */
export function isPrivateHost(hostname: string): boolean {
	let name = hostname;
	while (name.endsWith('.')) name = name.slice(0, -1);
	if (name.startsWith('[')) return isPrivateV6(groupsOf(name.slice(1, -1)));
	if (/^[\d.]+$/.test(name)) return isPrivateV4(name);
	const inName = NAMED_V4.exec(name);
	if (inName) return isPrivateV4(inName.slice(1).join('.'));
	return !name.includes('.') || PRIVATE_NAME.test(name) || OWN_MACHINE.test(name);
}

function isPrivateV4(address: string): boolean {
	return PRIVATE_V4.some((range) => range.test(address));
}

/** An IPv6 address is public if it wraps a public IPv4 address, or is of the one block of public addresses. */
function isPrivateV6(groups: number[]): boolean {
	const wrapped = wrappedV4(groups);
	if (wrapped !== undefined) return isPrivateV4(wrapped);
	const isPublicBlock = groups[0] >= 0x2000 && groups[0] < 0x4000;
	const isDocumentation =
		(groups[0] === 0x2001 && groups[1] === 0xdb8) || (groups[0] === 0x3fff && groups[1] < 0x1000);
	return !isPublicBlock || isDocumentation;
}

/** @returns the IPv4 address that an IPv6 address stands for: mapped, compatible, translated, NAT64, 6to4, Teredo, ISATAP */
function wrappedV4(groups: number[]): string | undefined {
	const start = groups.map((group) => group.toString(16)).join(':');
	const isAtEnd =
		/^(0:0:0:0:0:(0|ffff)|0:0:0:0:ffff:0|64:ff9b:0:0:0:0):/.test(start) ||
		/^(\w+:){4}(0|200):5efe:/.test(start);
	if (isAtEnd) return dotted(groups[6], groups[7]);
	if (groups[0] === 0x2002) return dotted(groups[1], groups[2]);
	// Teredo writes the client's address with all bits turned over.
	const isTeredo = groups[0] === 0x2001 && groups[1] === 0;
	return isTeredo ? dotted(groups[6] ^ 0xffff, groups[7] ^ 0xffff) : undefined;
}

function dotted(high: number, low: number): string {
	return [high >> 8, high & 255, low >> 8, low & 255].join('.');
}

/** @returns the eight numbers of an IPv6 address, of which `::` leaves out those that are zero */
function groupsOf(address: string): number[] {
	const [left, right = []] = address
		.split('::')
		.map((part) => part.split(':').filter((group) => group !== ''));
	const zeros = Array<string>(Math.max(0, 8 - left.length - right.length)).fill('0');
	return [...left, ...zeros, ...right].map((group) => parseInt(group, 16));
}
