/** Address ranges that no provider can reach, as IPv4 first and second number. */
const PRIVATE_V4: Array<(first: number, second: number) => boolean> = [
	(first) => first === 0 || first === 10 || first === 127,
	(first, second) => first === 169 && second === 254,
	(first, second) => first === 172 && second >= 16 && second <= 31,
	(first, second) => first === 192 && second === 168,
	(first, second) => first === 100 && second >= 64 && second <= 127,
];

/** Names that exist inside a network only. */
const PRIVATE_NAME = /(^|\.)(localhost|local|internal|lan|home|intranet|test|invalid|arpa)$/;

/**
 * Whether a host is surely out of reach from the internet: loopback and private addresses, names
 * without a dot, and endings that only local networks use.
 * @param hostname as `URL` gives it: lower case, IPv6 in brackets
 */
export function isPrivateHost(hostname: string): boolean {
	const v4 = /^(\d+)\.(\d+)\.\d+\.\d+$/.exec(hostname);
	if (v4) return PRIVATE_V4.some((holds) => holds(Number(v4[1]), Number(v4[2])));
	if (hostname.startsWith('[')) return /^\[(::1?\]|f[cd]|fe[89ab]|::ffff:)/.test(hostname);
	return !hostname.includes('.') || PRIVATE_NAME.test(hostname);
}
