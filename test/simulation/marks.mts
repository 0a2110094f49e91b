import type { Process } from './process.mts';
import type { Outage } from './scenario.mts';

/**
 * n8n's `DeduplicationHelper` (2.41.1 and 1.88.0): one row of the database for each node, which is read, changed and
 * written without a lock. Of two calls at once, one is lost; of two that both insert the row, one fails.
 */
export class Marks {
	private row?: string[];

	/** Marks that were lost, as two processes have written the row at once. */
	readonly overwritten: string[] = [];

	private accesses = 0;

	constructor(private readonly outages: Outage[]) {}

	async record(
		process: Process,
		texts: string[],
		maxEntries: number,
	): Promise<{ new: string[]; processed: string[] }> {
		await this.access(process);
		const read = this.row && [...this.row];
		await process.step();
		if (!read) {
			if (this.row) throw new Error('UNIQUE constraint failed: processed_data');
			this.row = texts.slice(-maxEntries);
			return { new: texts, processed: [] };
		}
		const found = {
			new: texts.filter((text) => !read.includes(text)),
			processed: texts.filter((text) => read.includes(text)),
		};
		this.write([...read, ...found.new].slice(-maxEntries), read);
		await process.step();
		return found;
	}

	async remove(process: Process, texts: string[]): Promise<void> {
		await this.access(process);
		const read = this.row && [...this.row];
		await process.step();
		if (!read) return;
		this.write(
			read.filter((mark) => !texts.includes(mark)),
			read,
		);
		await process.step();
	}

	private async access(process: Process): Promise<void> {
		await process.step();
		const number = this.accesses++;
		const isOut = this.outages.some(
			({ after, failures }) => number >= after && number < after + failures,
		);
		if (isOut) throw new Error('the database is locked');
	}

	private write(row: string[], read: string[]): void {
		const lost = this.row?.filter((mark) => !read.includes(mark) && !row.includes(mark)) ?? [];
		const doubled = row.filter((mark) => this.row?.includes(mark) && !read.includes(mark));
		this.overwritten.push(...lost, ...doubled);
		this.row = row;
	}
}
