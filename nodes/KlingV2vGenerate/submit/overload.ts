import type { Answer } from '../../shared/http/answer';
import { backOff } from '../../shared/http/transport';
import type { Clock } from '../../shared/n8n/clock';
import type { Provider } from '../../shared/providers';
import { timing } from '../../shared/timing';

/** Since when a provider does not take requests, and when to ask it again. Plain data. */
export interface Overload {
	/** Milliseconds since 1970. */
	since: number;
	/** Milliseconds since 1970. */
	until: number;
	tries: number;
}

/**
 * One patience for each provider and run, however many items wait: a provider that is busy, or down, is
 * asked again by one item at a time, with growing pauses.
 */
export class Overloads {
	/** @param byProvider those of the turn before */
	constructor(
		private readonly clock: Clock,
		readonly byProvider: Record<string, Overload> = {},
	) {}

	/** @returns when the provider may be asked again, in milliseconds since 1970; 0 for at once */
	until({ name }: Provider): number {
		// A clock that was set back must not keep everybody waiting.
		const latest = this.clock.now() + timing.http.longestPause;
		return Math.min(this.byProvider[name]?.until ?? 0, latest);
	}

	/**
	 * The provider has not taken a request, and surely has done nothing.
	 * @param patience how long to go on after the first such answer, in milliseconds
	 * @returns whether it is worth asking again
	 */
	add({ name }: Provider, answer: Answer, patience: number): boolean {
		const now = this.clock.now();
		const { since = now, tries = 0 } = this.byProvider[name] ?? {};
		const until = now + backOff(answer, tries, this.clock);
		if (until > since + patience) return false;
		this.byProvider[name] = { since, until, tries: tries + 1 };
		return true;
	}

	/** The provider takes requests again. */
	clear({ name }: Provider): void {
		delete this.byProvider[name];
	}

	/** @returns how long to be patient with an answer, in milliseconds */
	static patience({ status }: Answer, waitLimit: number, maySleep: boolean): number {
		if (status === 429) return waitLimit;
		return Math.min(waitLimit, maySleep ? timing.http.outageAsleep : timing.http.outage);
	}
}
