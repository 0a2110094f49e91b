import { outOfReachOf } from '../../shared/http/reach';
import type { Ticket } from '../../shared/providers';

/**
 * A ticket says where a file goes, and comes from an answer. What it may ask for is bound to what an
 * upload needs.
 */

/** Headers that describe a file, and those of the object stores' own signatures. */
const NEEDED =
	/^(content-(type|md5|disposition|language)|cache-control|x-(amz|goog|ms|oss|cos|obs|tos|bz|upload)-[a-z0-9-]+)$/;

/** @returns the ticket's headers without those that no upload needs, such as Host, Cookie or Authorization */
export function uploadHeaders({ headers }: Ticket): Record<string, string> {
	return Object.fromEntries(
		Object.entries(headers).filter(([name]) => NEEDED.test(name.toLowerCase())),
	);
}

/**
 * @param apiBase the Base URL of the API that has given the ticket
 * @returns why the ticket must not be used, or undefined where it may
 */
export function ticketProblem(
	{ uploadUrl, assetUrl }: Ticket,
	apiBase: string,
): string | undefined {
	const api = new URL(apiBase);
	const isOutOfReach = outOfReachOf(apiBase);
	for (const url of [uploadUrl, assetUrl]) {
		const { protocol, host, hostname } = new URL(url);
		if (api.protocol === 'https:' && protocol !== 'https:') {
			return `the address for it, at ${host}, is not https`;
		}
		if (isOutOfReach(hostname)) {
			return `the address for it, at ${host}, is no public one`;
		}
	}
	return undefined;
}
