import type { KlingTask } from '../task';
import { textsIn } from '../util/unknown';
import { isHttpUrl } from '../util/urls';

/** Makes a text of a provider, or of the network, fit to be shown: in errors, items, hints and logs. */
export type Conceal = (text: string) => string;

/** A shorter part of a link may stand in a text by chance. */
const SHORTEST_TOKEN = 16;

/** A shorter secret would hide whole sentences, and protects nothing. */
const SHORTEST_SECRET = 4;

/** Characters of a text that are looked at; no text that is shown is longer. */
const LONGEST_TEXT = 16_384;

const MASK = '***';

/** An address: its slashes may be escaped as in JSON, and it may stand within another one, encoded. */
const LINK = /[a-z][a-z0-9+.-]{0,20}(?::(?:\\?\/){2}|%3a%2f%2f)[^\s"'<>`]+/gi;

/**
 * Makes the one function that hides secrets in shown texts. The text itself is read as it came:
 * hiding is for the eye only.
 * @param secrets what may never be shown: keys, resume URLs, tokens of signed links
 * @returns a function that takes the query, the fragment and the user of every link away, and masks
 * the secrets, also where they stand URL- or Base64-encoded
 */
export function concealer(secrets: string[]): Conceal {
	const forms = [...new Set(secrets.filter(isSecret).flatMap(formsOf))]
		// A form may hold another one: the longest is masked first.
		.sort((a, b) => b.length - a.length);
	return (text) =>
		forms
			.reduce((shown, form) => shown.replaceAll(form, MASK), text.slice(0, LONGEST_TEXT))
			.replace(LINK, bareLink);
}

/** @returns the tokens of every link in a request's body, and the links' own user names and passwords */
export function tokensIn(body: unknown): string[] {
	return textsIn(body)
		.filter(isHttpUrl)
		.flatMap((link) => {
			const { search, searchParams, username, password } = new URL(link);
			return [...search.split(/[?&=]/), ...searchParams.values(), username, password];
		})
		.filter((token) => token.length >= SHORTEST_TOKEN);
}

/** @returns the task with the texts of its provider fit to be shown; links to results stay whole */
export function concealTask(task: KlingTask, conceal: Conceal): KlingTask {
	const { providerStatus, failure } = task;
	return {
		...task,
		providerStatus: conceal(providerStatus),
		...(failure
			? {
					failure: {
						...(failure.code === undefined ? {} : { code: conceal(failure.code) }),
						reason: conceal(failure.reason),
					},
				}
			: {}),
	};
}

/** @returns a link without user, query and fragment */
export function bareLink(link: string): string {
	return link
		.replace(/^([^/%\\]*(?:\\?\/){2})[^/?#\\]*@/, '$1')
		.replace(/^([a-z0-9+.-]+%3a%2f%2f)(?:(?!%2f|%3f|%23).)*%40/i, '$1')
		.replace(/(?:[?#]|%3f|%23).*$/i, '');
}

function isSecret(text: string): boolean {
	return text.length >= SHORTEST_SECRET;
}

function formsOf(secret: string): string[] {
	const encoded = encodedForms(secret);
	return [secret, JSON.stringify(secret).slice(1, -1), ...encoded, ...base64Forms(secret)].filter(
		isSecret,
	);
}

function encodedForms(secret: string): string[] {
	// A lone surrogate cannot be encoded; a buffer replaces it.
	const encoded = encodeURIComponent(Buffer.from(secret).toString());
	return [encoded, encoded.replace(/%[0-9A-F]{2}/g, (code) => code.toLowerCase())];
}

/** Base64 of a text that holds the secret, wherever in it: three alignments, without their edges. */
function base64Forms(secret: string): string[] {
	return [0, 1, 2].flatMap((before) => {
		const text = Buffer.concat([Buffer.alloc(before), Buffer.from(secret)]).toString('base64');
		const start = before === 0 ? 0 : before + 1;
		const end = text.replace(/=+$/, '').length - 1;
		const inner = text.slice(start, end);
		return inner.length < SHORTEST_TOKEN / 2
			? []
			: [inner, inner.replaceAll('+', '-').replaceAll('/', '_')];
	});
}
