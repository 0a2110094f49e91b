import { Stopped } from '../n8n/clock';
import { newByteStream } from '../n8n/internals';
import type { ByteStream } from '../n8n/internals';
import type { NodeRun } from '../n8n/nodeRun';
import { timing } from '../timing';
import { openResult } from './openResult';
import type { OpenResult, Wanted } from './openResult';
import { Pace } from './pace';
import { LinkRefused, troubleOf, TryLater, Unusable } from './troubles';

/** Where a file is, and how to get at it. */
export interface Origin {
	link: string;
	isForbidden: Wanted['isForbidden'];
	/** Asks the provider for a link that works now. */
	freshLink(): Promise<string | undefined>;
}

/**
 * One file as one stream, on a host that may break off, stall, drip or forget the link. A broken
 * connection is taken up where it broke. It never holds more than a chunk, nor takes more bytes than
 * the host has announced.
 */
export class ResumableStream {
	/** Why the file did not come whole; undefined as long as nothing is wrong with the host. */
	trouble: TryLater | Unusable | undefined;

	private current: ByteStream | undefined;

	/** The bytes of this file that are read, from the first one asked for. */
	private file: ByteStream | undefined;

	/** Ends a request: destroying a body that has not been read leaves its connection open. */
	private connection: AbortController | undefined;

	private pace: Pace | undefined;

	private breaks = 0;

	private readonly startedAt: number;

	constructor(
		private readonly run: NodeRun,
		private readonly origin: Origin,
	) {
		this.startedAt = run.clock.now();
	}

	/**
	 * Opens the file, without any patience: what goes wrong before the first byte is the caller's.
	 * @returns the whole file, however many connections it takes; they begin to flow when it is read
	 * @throws TryLater, Unusable or Stopped
	 */
	async open(): Promise<ByteStream> {
		const first = await this.connect(0).catch((error: unknown) => {
			throw this.note(error);
		});
		const file = newByteStream(first.bytes, () => {
			if (this.file) return this.resume();
			this.file = file;
			void this.fill(file, first);
		});
		// Its reader hears of an error all the same.
		file.on('error', () => {});
		file.once('close', () => this.disconnect());
		return file;
	}

	close(): void {
		this.disconnect();
		this.file?.destroy();
	}

	/** No iterators between here and the host: some more of them for each chunk show in the speed. */
	private async fill(file: ByteStream, first: OpenResult): Promise<void> {
		const content = new Content(first);
		const take = (chunk: Buffer) => {
			content.take(chunk);
			return file.push(chunk);
		};
		try {
			for (let body = first; !file.destroyed; body = await this.reopen(content)) {
				content.expectSameFile(body);
				try {
					await this.pass(body, take);
					content.expectWhole();
					file.push(null);
					return;
				} catch (error) {
					if (file.destroyed) return;
					await this.mend(error);
				}
			}
		} catch (error) {
			file.destroy(this.note(error) as Error);
		} finally {
			this.disconnect();
		}
	}

	private async reopen({ received, etag }: Content): Promise<OpenResult> {
		for (;;) {
			try {
				return await this.connect(received, etag);
			} catch (error) {
				await this.mend(error);
			}
		}
	}

	private async connect(from: number, etag?: string): Promise<OpenResult> {
		const { clock, signal } = this.run;
		clock.check();
		this.connection = new AbortController();
		const { link, isForbidden } = this.origin;
		const body = await openResult(this.run, {
			link,
			from,
			etag,
			isForbidden,
			signal: AbortSignal.any([signal, this.connection.signal]),
		});
		if ((body.total ?? 0) > timing.download.maxBytes) throw tooLarge();
		this.current = body.bytes;
		return body;
	}

	/** Hands on what one connection brings, until it ends. */
	private async pass(
		{ bytes, known }: OpenResult,
		take: (chunk: Buffer) => boolean,
	): Promise<void> {
		const { clock } = this.run;
		const { slowestHost, paceWindow } = timing.download;
		const pace = new Pace(clock.now(), slowestHost, paceWindow);
		this.pace = pace;
		let left = known;
		await new Promise<void>((resolve, reject) => {
			// The body is not destroyed with an error: while it awaits the host, it would not tell of it.
			void this.watch(bytes, pace, reject);
			// Given up before it was read: its events are over.
			if (bytes.destroyed) return reject(new Error('the connection broke'));
			bytes.on('data', (chunk: Buffer) => {
				pace.arrived(chunk.length, clock.now());
				const fresh = left > 0 ? chunk.subarray(left) : chunk;
				left -= chunk.length - fresh.length;
				try {
					if (fresh.length === 0 || take(fresh)) return;
				} catch (error) {
					reject(error as Error);
				}
				pace.paused(clock.now());
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
		this.pace?.resumed(this.run.clock.now());
		this.current.resume();
	}

	private disconnect(): void {
		this.connection?.abort();
		this.current?.destroy();
		this.current = undefined;
	}

	/** Returns when it is worth another try, throws where it is not. */
	private async mend(error: unknown): Promise<void> {
		const { clock } = this.run;
		this.disconnect();
		if (error instanceof Stopped) throw error;
		clock.check();
		const trouble = troubleOf(error);
		if (trouble instanceof Unusable) throw trouble;
		if (++this.breaks > timing.download.maxBreaks) throw trouble;
		await clock.pause(Math.max(timing.download.breakPause * this.breaks, trouble.pause));
		if (!(trouble instanceof LinkRefused)) return;
		this.origin.link = (await this.origin.freshLink()) ?? this.origin.link;
	}

	/** Remembers why the file does not come, for n8n's store has errors of its own. */
	private note(error: unknown): unknown {
		if (error instanceof Stopped) return error;
		this.trouble = troubleOf(error);
		return this.trouble;
	}

	/** Gives a connection up on which nothing comes, or too little, or that is not wanted any more. */
	private async watch(
		bytes: ByteStream,
		pace: Pace,
		giveUp: (reason: Error) => void,
	): Promise<void> {
		const { clock } = this.run;
		try {
			while (this.current === bytes && !bytes.destroyed) {
				const reason = this.reasonToGiveUp(pace, clock.now());
				if (reason) return giveUp(reason);
				await clock.pause(Math.min(1_000, timing.download.stall / 4));
			}
		} catch (stopped) {
			giveUp(stopped as Error);
		}
	}

	private reasonToGiveUp(pace: Pace, now: number): Error | undefined {
		const { stall, longestAttempt } = timing.download;
		if (now - this.startedAt > longestAttempt) {
			return new Unusable(`the file takes more than ${inWords(longestAttempt)}`);
		}
		const silence = pace.silence(now);
		if (silence > stall) return new Error(`nothing came for ${inWords(silence)}`);
		return pace.isTooSlow(now) ? new Error('the host sends too slowly') : undefined;
	}
}

/** The part of a file that has come so far. */
class Content {
	received = 0;

	/** Of the first answer that names one. */
	etag?: string;

	/** Not every answer tells it. */
	private total?: number;

	private start = Buffer.alloc(0);

	constructor({ etag, total }: OpenResult) {
		this.etag = etag;
		this.total = total;
	}

	/** @throws Unusable where it is no video, or more than there may be */
	take(chunk: Buffer): void {
		if (this.start.length < SIGNATURE_LENGTH) {
			this.start = Buffer.concat([this.start, chunk.subarray(0, SIGNATURE_LENGTH)]);
			if (this.start.length >= SIGNATURE_LENGTH) expectVideoFile(this.start);
		}
		this.received += chunk.length;
		if (this.received > (this.total ?? Infinity)) {
			// n8n unpacks answers without being asked to, and hides that they were packed.
			throw new Unusable(`the host sends more than the ${this.total} bytes that it announces`);
		}
		if (this.received > timing.download.maxBytes) throw tooLarge();
	}

	/** @throws TryLater where a connection brings another file than the ones before */
	expectSameFile({ total, etag }: OpenResult): void {
		this.total ??= total;
		this.etag ??= etag;
		const isSame = (total ?? this.total) === this.total && (etag ?? this.etag) === this.etag;
		// Two parts of two files are no file: it is fetched once more from the beginning.
		if (!isSame) throw new TryLater('the file changed while it was fetched');
	}

	expectWhole(): void {
		if (this.total !== undefined && this.received !== this.total) {
			throw new Error(`only ${this.received} of ${this.total} bytes came`);
		}
		expectVideoFile(this.start);
	}
}

function tooLarge(): Unusable {
	return new Unusable(
		`the file is larger than ${Math.round(timing.download.maxBytes / 1024 ** 2)} MiB`,
	);
}

/** So many bytes tell a video from anything else. */
const SIGNATURE_LENGTH = 8;

const FIRST_BOXES = ['ftyp', 'moov', 'mdat', 'free', 'skip', 'wide', 'styp'];

/** A web page or an error text in place of the file must not go on to somebody's storage. */
function expectVideoFile(start: Buffer): void {
	const isIsoMedia = FIRST_BOXES.includes(start.subarray(4, 8).toString('latin1'));
	const isMatroska = start.subarray(0, 4).toString('hex') === '1a45dfa3';
	if (isIsoMedia || isMatroska) return;
	throw new Unusable('what the link gives is no video');
}

/** @returns milliseconds as a user reads them */
export function inWords(milliseconds: number): string {
	const seconds = Math.round(milliseconds / 1000);
	if (seconds < 120) return `${seconds} s`;
	return `${Math.round(seconds / 60)} minutes`;
}
