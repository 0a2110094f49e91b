import { asText } from './unknown';
import { parseUrl, readUrl } from './urls';

const MOST_REDIRECTS = 5;

interface Answer {
	status: number;
	headers: Record<string, unknown>;
}

/** Why redirects were not followed to their end. */
export interface RedirectProblem {
	problem: string;
	/** Of the answer that leads nowhere. */
	status?: number;
	/** An address leads to a host that must not be asked. */
	isForbidden?: true;
}

/**
 * Follows redirects one by one, as each may lead to a host that must not be asked.
 * @param ask makes one request that follows no redirect; the signal ends it once it is followed
 * @returns the first answer that is no redirect
 */
export async function followRedirects<A extends Answer>(
	link: string,
	ask: (link: string, signal: AbortSignal) => Promise<A>,
	isForbidden: (hostname: string) => boolean,
): Promise<A | RedirectProblem> {
	let url = link;
	for (let redirects = 0; redirects <= MOST_REDIRECTS; redirects++) {
		const { host, hostname } = new URL(url);
		if (isForbidden(hostname)) {
			return {
				problem: `the link leads to ${host}, which is no public address`,
				isForbidden: true,
			};
		}
		const hop = new AbortController();
		const answer = await ask(url, hop.signal);
		const { status } = answer;
		if (status < 300 || status >= 400) return answer;
		// Destroying a body that has not been read leaves its connection open; this does not.
		hop.abort();
		const next = targetOf(answer, url);
		if (next === undefined) {
			return {
				problem: `the host answers HTTP ${status} and names no address to go on at`,
				status,
			};
		}
		url = next;
	}
	return { problem: `the host redirects more than ${MOST_REDIRECTS} times` };
}

function targetOf({ headers }: Answer, url: string): string | undefined {
	const location = asText(headers.location) ?? '';
	return location === '' ? undefined : readUrl(parseUrl(location, url)?.href);
}
