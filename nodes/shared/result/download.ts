import type { IBinaryData, IExecuteFunctions } from 'n8n-workflow';
import { Stopped } from '../n8n/clock';
import { DownloadFailed } from '../errors';
import { asObject, asText } from '../util/unknown';
import type { NodeRun } from '../n8n/nodeRun';
import type { KlingTask } from '../task';
import { refOf, VIDEO_MIME_TYPE } from '../task';
import { timing } from '../timing';

/**
 * The only requests to result hosts. They carry no key, and go through n8n's own helper, so that its
 * protection of private addresses applies.
 */

type Bytes = Exclude<Parameters<IExecuteFunctions['helpers']['prepareBinaryData']>[0], Buffer>;

interface Body {
	bytes: Bytes;
	/** So many bytes at the start are there already: some hosts know no ranges. */
	known: number;
	/** Length of the whole file where the host says so. */
	total?: number;
	/** Names this version of the file, so that two parts are never of two files. */
	etag?: string;
}

/** The link has expired or never worked. */
const EXPIRED = new Set([401, 403, 404, 410]);

class LinkExpired extends Error {
	constructor(readonly status: number) {
		super(`the link answers HTTP ${status}`);
	}
}

/** What no further try will change. */
class Unusable extends Error {}

/**
 * Streams the first video of a finished task into n8n's binary store, never holding more than a
 * chunk. A broken or stalled connection is taken up where it broke; an expired link is replaced once.
 * @param refresh asks the provider for the task again, for a fresh link
 * @returns the stored file, or why it could not be had
 */
export async function download(
	session: NodeRun,
	task: KlingTask,
	refresh: () => Promise<KlingTask | undefined>,
): Promise<IBinaryData | DownloadFailed> {
	const [link] = task.videoUrls;
	if (link === undefined) {
		return new DownloadFailed(refOf(task), 'the provider says completed, but gives no link');
	}
	const source = new Source(session, link, async () => (await refresh())?.videoUrls[0]);
	let failure: unknown;
	try {
		const first = await source.open(0);
		return await session.context.helpers.prepareBinaryData(
			source.stream(first),
			`${task.taskId}.mp4`,
			VIDEO_MIME_TYPE,
		);
	} catch (error) {
		failure = error;
	} finally {
		source.close();
	}
	// After Stop there is nobody to tell.
	session.clock.check();
	return new DownloadFailed(
		refOf(task),
		failure instanceof Error ? failure.message : String(failure),
		failure instanceof LinkExpired ? failure.status : undefined,
	);
}

/** One file on a host that may break off, stall or forget the link. */
class Source {
	private current: Bytes | undefined;

	/** What is read of this source, from the first byte asked for. */
	private file: Bytes | undefined;

	/** Ends a request: destroying a body that nobody has begun to read leaves its connection open. */
	private connection: AbortController | undefined;

	private breaks = 0;

	private refreshed = false;

	/** Milliseconds since 1970 while a chunk is awaited: a slow disk is no stalled host. */
	private waitingSince: number | undefined;

	constructor(
		private readonly session: NodeRun,
		private link: string,
		private readonly freshLink: () => Promise<string | undefined>,
	) {}

	/**
	 * Opens the file, with all the patience there is.
	 * @param from the first byte that is wanted
	 */
	async open(from: number, etag?: string): Promise<Body> {
		for (;;) {
			this.session.clock.check();
			try {
				return await this.request(from, etag);
			} catch (error) {
				await this.mend(error);
			}
		}
	}

	/** The whole file, however many connections it takes; they begin to flow when it is read. */
	stream(first: Body): Bytes {
		const file = emptyStream(first.bytes, () => {
			if (this.file) return this.resume();
			this.file = file;
			void this.fill(file, first);
		});
		// Who reads the file hears of it all the same.
		file.on('error', () => {});
		file.once('close', () => this.disconnect());
		return file;
	}

	close(): void {
		this.disconnect();
		this.file?.destroy();
	}

	/** No iterators between here and the host: some more of them for each chunk show in the speed. */
	private async fill(file: Bytes, first: Body): Promise<void> {
		let received = 0;
		// Not every answer tells it.
		let { total } = first;
		let start = Buffer.alloc(0);
		const take = (chunk: Buffer) => {
			if (start.length < SIGNATURE_LENGTH) {
				start = Buffer.concat([start, chunk.subarray(0, SIGNATURE_LENGTH)]);
				if (start.length >= SIGNATURE_LENGTH) expectVideo(start);
			}
			received += chunk.length;
			return file.push(chunk);
		};
		try {
			for (let body = first; !file.destroyed; body = await this.open(received, first.etag)) {
				total ??= body.total;
				if ((body.total ?? total) !== total) {
					throw new Unusable('the file changed while it was fetched');
				}
				try {
					await this.pass(body, take);
					if (total !== undefined && received !== total) {
						throw new Error(`only ${received} of ${total} bytes came`);
					}
					expectVideo(start);
					file.push(null);
					return;
				} catch (error) {
					if (file.destroyed) return;
					await this.mend(error);
				}
			}
		} catch (error) {
			file.destroy(error as Error);
		} finally {
			this.disconnect();
		}
	}

	/** Hands on what one connection brings, until it ends. */
	private async pass({ bytes, known }: Body, take: (chunk: Buffer) => boolean): Promise<void> {
		const { clock } = this.session;
		let left = known;
		this.waitingSince = clock.now();
		void this.watch(bytes);
		await new Promise<void>((resolve, reject) => {
			// Given up before anybody read it: its events are over.
			if (bytes.destroyed) return reject(new Error('the connection broke'));
			bytes.on('data', (chunk: Buffer) => {
				this.waitingSince = clock.now();
				const fresh = left > 0 ? chunk.subarray(left) : chunk;
				left -= chunk.length - fresh.length;
				try {
					if (fresh.length === 0 || take(fresh)) return;
				} catch (error) {
					bytes.destroy(error as Error);
				}
				this.waitingSince = undefined;
				bytes.pause();
			});
			bytes.once('end', resolve);
			bytes.once('error', reject);
			bytes.once('close', () => reject(new Error('the connection broke')));
		});
		if (left > 0) throw new Error('the host sent less than before');
	}

	private resume(): void {
		if (!this.current?.isPaused()) return;
		this.waitingSince = this.session.clock.now();
		this.current.resume();
	}

	private disconnect(): void {
		this.connection?.abort();
		this.current?.destroy();
		this.current = undefined;
	}

	/** Returns when it is worth another try, throws where it is not. */
	private async mend(error: unknown): Promise<void> {
		this.disconnect();
		if (error instanceof Stopped || error instanceof Unusable) throw error;
		this.session.clock.check();
		if (error instanceof LinkExpired) {
			const link = this.refreshed ? undefined : await this.freshLink();
			this.refreshed = true;
			if (link === undefined) throw error;
			this.link = link;
			return;
		}
		if (++this.breaks > timing.download.maxBreaks) throw error;
		await this.session.clock.pause(timing.download.pause * this.breaks);
	}

	private async request(from: number, etag?: string): Promise<Body> {
		const { context, signal } = this.session;
		this.connection = new AbortController();
		const response = await context.helpers.httpRequest({
			method: 'GET',
			url: this.link,
			headers: {
				Accept: 'video/*,*/*;q=0.5',
				// A packed body would have another length than the file.
				'Accept-Encoding': 'identity',
				...(from > 0 ? { Range: `bytes=${from}-`, ...(etag ? { 'If-Range': etag } : {}) } : {}),
			},
			encoding: 'stream',
			returnFullResponse: true,
			ignoreHttpStatusErrors: true,
			timeout: timing.download.stall,
			abortSignal: AbortSignal.any([signal, this.connection.signal]),
		});
		const status: number = response.statusCode;
		const headers = asObject(response.headers);
		this.current = response.body as Bytes;
		this.current.on('error', () => {});
		const body = {
			etag: asText(headers.etag),
			bytes: this.current,
			known: 0,
		};
		if (EXPIRED.has(status)) throw new LinkExpired(status);
		if (status === 206 && from > 0) {
			const [, start, total] =
				/^bytes (\d+)-\d+\/(\d+)$/.exec(asText(headers['content-range']) ?? '') ?? [];
			if (Number(start) !== from) throw new Error('the host sent another part than asked for');
			return { ...body, total: Number(total) };
		}
		if (status !== 200) throw new Error(`the host answers HTTP ${status}`);
		const length = asText(headers['content-length']);
		return { ...body, known: from, total: length === undefined ? undefined : Number(length) };
	}

	/** Ends a connection on which nothing comes, or that nobody wants any more. */
	private async watch(bytes: Bytes): Promise<void> {
		const { clock } = this.session;
		while (this.current === bytes && !bytes.destroyed) {
			const waited = this.waitingSince === undefined ? 0 : clock.now() - this.waitingSince;
			if (waited > timing.download.stall) {
				bytes.destroy(new Error(`nothing came for ${Math.round(waited / 1000)} s`));
				return;
			}
			try {
				await clock.pause(Math.min(1_000, timing.download.stall / 4));
			} catch {
				bytes.destroy(new Stopped());
				return;
			}
		}
	}
}

/** So many bytes tell a video from anything else. */
const SIGNATURE_LENGTH = 8;

/** A web page or an error text in place of the file must not go on to somebody's storage. */
function expectVideo(start: Buffer): void {
	const box = start.subarray(4, 8).toString('latin1');
	const isIsoMedia = ['ftyp', 'moov', 'mdat', 'free', 'skip', 'wide', 'styp'].includes(box);
	const isMatroska = start.subarray(0, 4).toString('hex') === '1a45dfa3';
	if (isIsoMedia || isMatroska) return;
	throw new Unusable('what the link gives is no video');
}

/** n8n's store takes a stream of the kind that its helper gives, which knows how to make another. */
function emptyStream(sample: Bytes, read: () => void): Bytes {
	const { from } = sample.constructor as unknown as { from(chunks: Buffer[]): Bytes };
	const Stream = from([]).constructor as new (options: { read(): void }) => Bytes;
	return new Stream({ read });
}
