/**
 * Lets so many pieces of work run at a time; the next begins the moment one ends.
 * The limit can be reduced while work is running: a provider that says "too many" slows the run down.
 */
export class ConcurrencyLimit {
	private inUse = 0;

	private limit: number;

	private readonly queue: Array<() => void> = [];

	constructor(private readonly highest: number) {
		this.limit = highest;
	}

	/** Does a piece of work as soon as there is room. */
	async run<T>(work: () => Promise<T>): Promise<T> {
		if (this.hasRoom) this.take();
		else await new Promise<void>((begin) => this.queue.push(begin));
		try {
			return await work();
		} finally {
			this.release();
		}
	}

	get hasRoom(): boolean {
		return this.inUse < this.limit;
	}

	/** Takes a place, beyond the limit as well: for work that is under way already. */
	take(): void {
		this.inUse++;
	}

	/** Gives a place back. */
	release(): void {
		this.inUse--;
		this.fill();
	}

	/** One less than are running now, but never none. */
	reduce(): void {
		this.limit = Math.max(1, this.inUse - 1);
	}

	/** One more again, up to the first limit. */
	restore(): void {
		this.limit = Math.min(this.highest, this.limit + 1);
		this.fill();
	}

	private fill(): void {
		while (this.hasRoom && this.queue.length > 0) {
			this.take();
			this.queue.shift()?.();
		}
	}
}
