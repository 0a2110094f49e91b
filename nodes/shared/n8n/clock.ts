import { sleep } from 'n8n-workflow';

/** Time as the verbs see it, passed in so that their schedules can be tried without waiting. */
export interface Clock {
	/** Milliseconds since 1970. */
	now(): number;
	/** @throws Stopped as soon as the run is over */
	pause(milliseconds: number): Promise<void>;
	/** Throws Stopped when the run is over; asked before every request. */
	check(): void;
	/** From 0 up to 1. */
	random(): number;
}

/** The run is over (Stop, the workflow's time-out, or another item's error): no further request. */
export class Stopped extends Error {
	constructor() {
		super('The execution was stopped');
		this.name = 'Stopped';
	}
}

/** Hosts before n8n 2.35 do not end a sleep on Stop, so none is longer than this. */
const SLICE_MS = 500;

export function executionClock(signal: AbortSignal): Clock {
	const check = () => {
		if (signal.aborted) throw new Stopped();
	};
	return {
		now: () => Date.now(),
		random: () => Math.random(),
		check,
		async pause(milliseconds) {
			check();
			for (let left = milliseconds; left > 0; ) {
				const slice = Math.min(left, SLICE_MS);
				const begunAt = Date.now();
				await sleep(slice);
				check();
				left -= passed(slice, Date.now() - begunAt);
			}
		},
	};
}

/** A clock that is set back, or far ahead, during a slice must not make the pause any longer or shorter. */
function passed(slice: number, byTheClock: number): number {
	return byTheClock >= 0 && byTheClock <= 10 * SLICE_MS ? Math.max(slice, byTheClock) : slice;
}
