import { uint } from '../../../shared/media/boxes';
import type { IndexReader } from './indexReader';
import { damaged } from './unfit';

/** Bytes of a list that are held at a time. */
const BLOCK = 512 * 1024;

/** A list of a sample table, of entries of one length: it may be far longer than memory. */
export class Table {
	private block: Buffer = Buffer.alloc(0);

	/** The entries in the block. */
	private first = 0;

	private end = 0;

	/** @param at where the first entry is in the file */
	constructor(
		private readonly reader: IndexReader,
		private readonly at: number,
		private readonly entryBytes: number,
		readonly count: number,
	) {}

	/** Whether an entry is ready for `uint`. */
	has(entry: number): boolean {
		return entry >= this.first && entry < this.end;
	}

	/** Makes an entry ready for `uint`. */
	async load(entry: number): Promise<void> {
		if (this.has(entry)) return;
		if (!(entry >= 0 && entry < this.count)) throw damaged('a list in its index is too short');
		const entries = Math.min(Math.floor(BLOCK / this.entryBytes), this.count - entry);
		const start = this.at + entry * this.entryBytes;
		this.block = await this.reader.bytes(start, entries * this.entryBytes);
		this.first = entry;
		this.end = entry + entries;
	}

	/** A number of an entry that was loaded. */
	uint(entry: number, at = 0, bytes: 4 | 8 = 4): number {
		return uint(this.block, (entry - this.first) * this.entryBytes + at, bytes);
	}

	/** A byte of an entry that was loaded. */
	byte(entry: number, at = 0): number {
		return this.block[(entry - this.first) * this.entryBytes + at];
	}
}
