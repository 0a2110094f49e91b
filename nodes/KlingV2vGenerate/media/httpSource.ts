import type { IExecuteFunctions } from 'n8n-workflow';
import type { ByteStream } from '../../shared/n8n/internals';
import { asObject, asText, excerpt } from '../../shared/util/unknown';
import type { MediaFault } from '../../shared/media/fault';
import { isFault, refusedLink, unchecked, wrongLink } from '../../shared/media/fault';
import type { StreamedSource } from '../../shared/media/binarySource';
import { collect } from '../../shared/media/source';
import { timing } from '../../shared/timing';
import { followRedirects } from '../../shared/util/redirects';
import type { RedirectProblem } from '../../shared/util/redirects';

interface Context {
	helpers: Pick<IExecuteFunctions['helpers'], 'httpRequest'>;
}

/** One answer to a request for a part of the file. */
interface Answer {
	status: number;
	headers: Record<string, unknown>;
	body: ByteStream;
}

/**
 * A file at an HTTP host. It goes through n8n's own helper, so that its protection of private
 * addresses applies, and carries no key. Whatever the host does ends in a value: that it cannot be
 * reached from here, or refuses n8n, says nothing about the provider.
 * @param signal ends a read when the run is over
 * @param isForbidden whether the file may not be at a host, as the provider cannot reach it
 */
export function httpSource(
	context: Context,
	url: string,
	signal?: AbortSignal,
	isForbidden: (hostname: string) => boolean = () => false,
): StreamedSource {
	return new HttpSource(context, url, signal, isForbidden);
}

class HttpSource implements StreamedSource {
	size?: number;

	/** The host's name for the version of the file that was read first. */
	private etag?: string;

	private hasChanged = false;

	/** The body of the latest answer: a sample of what n8n streams. */
	sample?: ByteStream;

	constructor(
		private readonly context: Context,
		private readonly url: string,
		private readonly signal: AbortSignal | undefined,
		private readonly isForbidden: (hostname: string) => boolean,
	) {}

	async read(offset: number, length: number): Promise<Buffer | MediaFault> {
		const ending = new AbortController();
		const end = () => ending.abort();
		const timeout = AbortSignal.timeout(timing.media.readTimeout);
		const ends = [timeout, ...(this.signal ? [this.signal] : [])];
		for (const each of ends) each.addEventListener('abort', end, { once: true });
		if (this.signal?.aborted) end();
		try {
			const answer = await followRedirects(
				this.url,
				async (url, hop) =>
					await this.request(url, offset, length, AbortSignal.any([ending.signal, hop])),
				this.isForbidden,
			);
			if ('problem' in answer) return notFollowed(answer);
			return await this.take(answer, offset, length, ending.signal);
		} catch (error) {
			if (this.signal?.aborted) return unchecked('the execution was stopped');
			if (timeout.aborted)
				return unchecked(`the host took more than ${timing.media.readTimeout / 1000} s`);
			return unchecked(`the host cannot be reached from n8n (${messageOf(error)})`);
		} finally {
			for (const each of ends) each.removeEventListener('abort', end);
			// A stream that nobody has begun to read keeps its connection when it is destroyed; this does not.
			end();
		}
	}

	private async request(
		url: string,
		offset: number,
		length: number,
		signal: AbortSignal,
	): Promise<Answer> {
		const response = await this.context.helpers.httpRequest({
			method: 'GET',
			url,
			headers: {
				Accept: '*/*',
				// A packed body would have another size, and other places, than the file.
				'Accept-Encoding': 'identity',
				Range: `bytes=${offset}-${offset + length - 1}`,
			},
			// A host that knows no ranges sends the whole file: it must be possible to stop reading.
			encoding: 'stream',
			returnFullResponse: true,
			ignoreHttpStatusErrors: true,
			disableFollowRedirect: true,
			timeout: timing.media.readTimeout,
			abortSignal: signal,
		});
		const body = response.body as ByteStream;
		this.sample = body;
		body.on('error', () => {});
		return { status: response.statusCode, headers: asObject(response.headers), body };
	}

	private async take(
		{ status, headers, body }: Answer,
		offset: number,
		length: number,
		signal: AbortSignal,
	): Promise<Buffer | MediaFault> {
		const stop = () => body.destroy();
		signal.addEventListener('abort', stop, { once: true });
		try {
			return this.learn(status, headers, offset) ?? (await collect(body, length));
		} finally {
			signal.removeEventListener('abort', stop);
			stop();
		}
	}

	/**
	 * Learns the file's size and version from the head of an answer.
	 * @returns what is to be taken instead of its body, where that is not the wanted part
	 */
	private learn(
		status: number,
		headers: Record<string, unknown>,
		offset: number,
	): MediaFault | Buffer | undefined {
		const { size: knownSize } = this;
		const found = this.learnSize(status, headers, offset);
		if (found && isFault(found)) return found;
		const etag = asText(headers.etag);
		this.etag ??= etag;
		const isSame = (knownSize ?? this.size) === this.size && (etag ?? this.etag) === this.etag;
		this.hasChanged ||= !isSame;
		// Two parts of two files would make a broken one.
		return this.hasChanged ? CHANGED : found;
	}

	private learnSize(
		status: number,
		headers: Record<string, unknown>,
		offset: number,
	): MediaFault | Buffer | undefined {
		if (status === 206 || status === 416) {
			const [, start, size] =
				/^bytes (?:(\d+)-\d+|\*)\/(\d+|\*)$/.exec(asText(headers['content-range']) ?? '') ?? [];
			if (/^\d+$/.test(size)) this.size = Number(size);
			if (status === 206 && Number(start) === offset) return undefined;
			const isBehindEnd = status === 416 && this.size !== undefined && offset >= this.size;
			return isBehindEnd ? Buffer.alloc(0) : NO_RANGES;
		}
		if (REFUSED.has(status)) return refusedLink(status);
		if (status !== 200) return unchecked(`the host answers HTTP ${status}`);
		if (offset > 0) return NO_RANGES;
		const size = asText(headers['content-length']) ?? '';
		if (/^\d+$/.test(size)) this.size = Number(size);
		return undefined;
	}
}

/** The provider would hear the same: it asks without a log-in, too. */
const REFUSED = new Set([400, 401, 403, 404, 410, 451]);

const CHANGED = unchecked('it has changed while it was read');

function notFollowed({ problem, isForbidden }: RedirectProblem): MediaFault {
	return isForbidden ? wrongLink(`cannot be fetched: ${problem}`) : unchecked(problem);
}

const NO_RANGES = unchecked('the host does not send parts of a file');

function messageOf(error: unknown): string {
	const { code, message, cause } = asObject(error);
	const reason = asText(asObject(cause).message) ?? asText(message) ?? 'no answer';
	return excerpt(asText(code) ?? reason, 120);
}
