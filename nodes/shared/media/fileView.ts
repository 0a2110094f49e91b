import type { MediaFault } from './fault';
import { isFault, unchecked } from './fault';
import type { ByteSource } from './source';

const KB = 1024;

/** The most that a look at one file may cost, however the file is made. */
export const allowance = { reads: 3, bytes: 512 * KB };

/**
 * The least that each read takes, as the next question is mostly about what follows. The first is
 * small because for nearly every file it is the only one.
 */
const AHEAD = [64 * KB, 192 * KB, 256 * KB];

/**
 * A file as far as it has been read: the only way the readers get at bytes, so that no file can make
 * them read more than the allowance.
 */
export class FileView {
	/** Why some bytes could not be had; nothing more is read from then on. */
	fault?: MediaFault;

	private readonly parts: Array<{ start: number; bytes: Buffer }> = [];

	private reads = 0;

	private spent = 0;

	/** Where a read met the end of a file whose size nobody says. */
	private end?: number;

	constructor(private readonly source: ByteSource) {}

	/** Bytes of the whole file, where known. */
	get size(): number | undefined {
		return this.source.size ?? this.end;
	}

	/** So many bytes another read could still bring. */
	get left(): number {
		return this.reads < allowance.reads ? allowance.bytes - this.spent : 0;
	}

	/** The bytes of a range that were read, from its start on. */
	known(offset: number, length: number): Buffer {
		const end = offset + length;
		const pieces: Buffer[] = [];
		for (let at = offset; at < end; ) {
			const from = at;
			const part = this.parts.find(
				({ start, bytes }) => from >= start && from < start + bytes.length,
			);
			if (!part) break;
			const piece = part.bytes.subarray(at - part.start, end - part.start);
			pieces.push(piece);
			at += piece.length;
		}
		return pieces.length === 1 ? pieces[0] : Buffer.concat(pieces);
	}

	/**
	 * A range of the file, read where it is not at hand.
	 * @param enough so many bytes of it are no reason to read on
	 * @returns fewer bytes at the end of the file, and where no more can be had
	 */
	async bytes(offset: number, length: number, enough = length): Promise<Buffer> {
		const there = this.known(offset, length);
		const missing = enough - there.length;
		const next = offset + there.length;
		if (missing <= 0 || next >= (this.size ?? Infinity)) return there;
		await this.fetch(next, missing);
		return this.known(offset, length);
	}

	private async fetch(offset: number, wanted: number): Promise<void> {
		if (this.fault) return;
		const { left } = this;
		const toEnd = (this.size ?? Infinity) - offset;
		const length = Math.min(Math.max(wanted, AHEAD[this.reads] ?? 0), left, toEnd);
		if (length < Math.min(wanted, toEnd)) {
			this.fault = unchecked(
				`what it says of itself is not within the ${allowance.bytes / KB} KB that a check reads`,
			);
		}
		if (left > 0) await this.read(offset, length);
	}

	private async read(offset: number, length: number): Promise<void> {
		this.reads++;
		const found = await this.source.read(offset, length);
		if (isFault(found)) {
			this.fault = found;
			return;
		}
		const bytes = found.subarray(0, length);
		this.spent += bytes.length;
		if (bytes.length > 0 && bytes.length < length) this.end = offset + bytes.length;
		this.parts.push({ start: offset, bytes });
	}
}
