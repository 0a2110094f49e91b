import { isFault, unchecked } from '../../../shared/media/fault';
import type { ByteSource } from '../../../shared/media/source';
import { damaged, Unfit } from './unfit';

const KB = 1024;
const MB = 1024 * KB;

/** The most that planning one cut may read, whatever the file says of itself. */
export const allowance = { reads: 1000, bytes: 64 * MB };

/** The longest range that is held in one piece. */
export const LONGEST = 2 * MB;

/** Bytes that were read and are still held; the memory that a plan takes is mostly this. */
const MOST_HELD = 4 * MB;

interface Extent {
	start: number;
	bytes: Buffer;
}

/** The index of a file, read range by range; it holds the latest few of them. */
export class IndexReader {
	private readonly held: Extent[] = [];

	private reads = 0;

	private spent = 0;

	/** Where a read met the end of a file whose size the source does not tell. */
	private end = Infinity;

	constructor(private readonly source: ByteSource) {}

	/** Bytes of the whole file; Infinity where not known. */
	get size(): number {
		return this.source.size ?? this.end;
	}

	/**
	 * @param ahead bytes to read if the range is not held; what follows is mostly asked for next
	 * @throws Unfit where the file does not have them all
	 */
	async bytes(offset: number, length: number, ahead = length): Promise<Buffer> {
		const found = await this.upTo(offset, length, ahead);
		if (found.length < length) throw damaged('it ends within its index');
		return found;
	}

	/** The same, with fewer bytes at the end of the file. */
	async upTo(offset: number, length: number, ahead = length): Promise<Buffer> {
		if (!Number.isSafeInteger(offset + length) || offset < 0) {
			throw damaged('its index points outside of it');
		}
		const inFile = Math.max(0, Math.min(length, this.size - offset));
		return this.find(offset, inFile) ?? (await this.read(offset, inFile, ahead));
	}

	private find(offset: number, length: number): Buffer | undefined {
		if (length === 0) return Buffer.alloc(0);
		const at = this.held.findIndex(
			({ start, bytes }) => offset >= start && offset + length <= start + bytes.length,
		);
		if (at < 0) return undefined;
		const [extent] = this.held.splice(at, 1);
		this.held.push(extent);
		return extent.bytes.subarray(offset - extent.start, offset - extent.start + length);
	}

	private async read(offset: number, needed: number, ahead: number): Promise<Buffer> {
		const length = Math.min(Math.max(needed, ahead), this.size - offset);
		if (length > LONGEST) {
			throw new Unfit(unchecked(`one part of its index is larger than ${LONGEST / MB} MB`));
		}
		this.reads++;
		this.spent += length;
		if (this.reads > allowance.reads || this.spent > allowance.bytes) {
			throw new Unfit(
				unchecked(
					`its index takes more than ${allowance.reads} reads or ${allowance.bytes / MB} MB to search`,
				),
			);
		}
		const found = await this.source.read(offset, length);
		if (isFault(found)) throw new Unfit(found);
		const bytes = found.subarray(0, length);
		if (bytes.length < length) this.end = Math.min(this.end, offset + bytes.length);
		this.hold({ start: offset, bytes });
		return bytes.subarray(0, needed);
	}

	private hold(extent: Extent): void {
		this.held.push(extent);
		let total = this.held.reduce((sum, { bytes }) => sum + bytes.length, 0);
		while (total > MOST_HELD) total -= this.held.shift()?.bytes.length ?? total;
	}
}
