/** As much of `@sinonjs/fake-timers`, which brings no types, as the simulation uses. */
export interface SimulatedClock {
	reset(): void;
	setSystemTime(now: number): void;
	countTimers(): number;
	next(): number;
}

export declare function install(options: {
	now: number;
	toFake: string[];
	loopLimit: number;
}): SimulatedClock;
