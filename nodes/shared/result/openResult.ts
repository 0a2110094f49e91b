import type { ByteStream } from '../n8n/internals';
import type { NodeRun } from '../n8n/nodeRun';
import { retryAfter } from '../http/transport';
import { timing } from '../timing';
import { asObject, asText } from '../util/unknown';
import type { Json } from '../util/unknown';
import { followRedirects } from '../util/redirects';
import { LinkRefused, TryLater, Unusable } from './troubles';

/**
 * The only requests to result hosts. They carry no key, and go through n8n's own helper, so that its
 * protection of private addresses applies.
 */

/** One answer that brings the file, or the rest of it. */
export interface OpenResult {
	bytes: ByteStream;
	/** So many bytes at the start are there already: some hosts know no ranges. */
	known: number;
	/** Length of the whole file where the host says so. */
	total?: number;
	/** Names this version of the file, so that two parts are never of two files. */
	etag?: string;
}

export interface Wanted {
	link: string;
	/** The first byte that is wanted. */
	from: number;
	/** Of the part that is there already. */
	etag?: string;
	/** Ends the request, and its body. */
	signal: AbortSignal;
	/** Whether a host must not be asked, whether a link or a redirect names it. */
	isForbidden(hostname: string): boolean;
}

interface Response {
	status: number;
	headers: Json;
	bytes: ByteStream;
}

/** The link is not there yet, has expired, or never worked; 400 is said of expired links, too. */
const LINK_REFUSED = new Set([400, 401, 403, 404, 410]);

/** Beside 5xx: what passes by itself. */
const PASSING = new Set([408, 416, 425, 429]);

/**
 * Opens the file behind a link.
 * @throws LinkRefused, TryLater or Unusable, and whatever n8n's helper throws where there is no answer
 */
export async function openResult(run: NodeRun, wanted: Wanted): Promise<OpenResult> {
	const response = await follow(run, wanted);
	const { status, headers, bytes } = response;
	if (LINK_REFUSED.has(status)) throw new LinkRefused(status);
	if (status >= 500 || PASSING.has(status)) {
		const asked = retryAfter({ headers }, run.clock);
		throw new TryLater(`the host answers HTTP ${status}`, status, asked);
	}
	if (status !== 200 && status !== 206) {
		throw new Unusable(`the host answers HTTP ${status}`, status);
	}
	const coding = asText(headers['content-encoding']) ?? 'identity';
	if (coding !== 'identity') throw new Unusable(`the host sends the file packed (${coding})`);
	const body = { bytes, etag: asText(headers.etag) };
	if (status === 200) return { ...body, known: wanted.from, total: lengthIn(headers) };
	const [, start, total] =
		/^bytes (\d+)-\d+\/(\d+)$/.exec(asText(headers['content-range']) ?? '') ?? [];
	if (Number(start) !== wanted.from) {
		throw new TryLater('the host sent another part than asked for');
	}
	return { ...body, known: 0, total: Number(total) };
}

function lengthIn(headers: Json): number | undefined {
	const length = asText(headers['content-length']) ?? '';
	return /^\d+$/.test(length) ? Number(length) : undefined;
}

async function follow({ context }: NodeRun, wanted: Wanted): Promise<Response> {
	const response = await followRedirects(
		wanted.link,
		async (link, hop) =>
			await request(context, link, { ...wanted, signal: AbortSignal.any([wanted.signal, hop]) }),
		wanted.isForbidden,
	);
	if ('problem' in response) throw new Unusable(response.problem, response.status);
	return response;
}

async function request(
	{ helpers }: NodeRun['context'],
	url: string,
	{ from, etag, signal }: Wanted,
): Promise<Response> {
	const { statusCode, headers, body } = await helpers.httpRequest({
		method: 'GET',
		url,
		headers: {
			Accept: 'video/*,*/*;q=0.5',
			// A packed body would have another length than the file.
			'Accept-Encoding': 'identity',
			...(from > 0 ? { Range: `bytes=${from}-`, ...(etag ? { 'If-Range': etag } : {}) } : {}),
		},
		encoding: 'stream',
		returnFullResponse: true,
		ignoreHttpStatusErrors: true,
		disableFollowRedirect: true,
		timeout: timing.download.stall,
		abortSignal: signal,
	});
	const bytes = body as ByteStream;
	// An error that comes before the body is read must not end the process.
	bytes.on('error', () => {});
	return { status: statusCode, headers: asObject(headers), bytes };
}
