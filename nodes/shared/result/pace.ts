/**
 * Measures whether a host sends fast enough. Only the time in which its bytes are awaited counts: a slow
 * disk of n8n's is no slow host. All times are milliseconds since 1970, passed in.
 */
export class Pace {
	/** When the present window began, put off by the time that nothing was awaited in it. */
	private windowStart: number;

	private bytes = 0;

	private lastByte: number;

	private pausedAt: number | undefined;

	/**
	 * @param slowest bytes per millisecond that are put up with
	 * @param window milliseconds over which they are measured
	 */
	constructor(
		now: number,
		private readonly slowest: number,
		private readonly window: number,
	) {
		this.windowStart = now;
		this.lastByte = now;
	}

	arrived(bytes: number, now: number): void {
		this.bytes += bytes;
		this.lastByte = now;
	}

	/** Nothing is awaited until `resumed`. */
	paused(now: number): void {
		this.pausedAt ??= now;
	}

	resumed(now: number): void {
		if (this.pausedAt === undefined) return;
		this.windowStart += now - this.pausedAt;
		this.lastByte = now;
		this.pausedAt = undefined;
	}

	/** @returns milliseconds since the last byte came, or 0 while nothing is awaited */
	silence(now: number): number {
		return this.pausedAt === undefined ? now - this.lastByte : 0;
	}

	/** @returns whether a whole window has passed with less than is put up with; begins the next one */
	isTooSlow(now: number): boolean {
		const waited = (this.pausedAt ?? now) - this.windowStart;
		if (waited < this.window) return false;
		const isSlow = this.bytes < waited * this.slowest;
		this.windowStart = this.pausedAt ?? now;
		this.bytes = 0;
		return isSlow;
	}
}
