import { createRequire } from 'node:module';
import path from 'node:path';

/**
 * A module of the built package, the same instance that the engine has loaded.
 * @param module its path below `dist/nodes`, without the ending
 */
export function built<T>(module: string): T {
	return createRequire(path.join(process.cwd(), 'package.json'))(`./dist/nodes/${module}.js`) as T;
}

export const { timing } = built<typeof import('../../nodes/shared/timing.ts')>('shared/timing');

/** n8n's minutes of sleep as milliseconds, as every test has them. */
export function hurrySleep(): void {
	Object.assign(timing.sleep, {
		// A busy machine takes a while from a creation to the first rest, which is to be a sleep all the same.
		shortest: 200,
		awakeUpTo: 20,
		longestAwake: 500,
		watchedAwake: 5_000,
		shortestTurn: 0,
	});
}

/**
 * Every pause of the package at a speed for tests: milliseconds instead of minutes. Timeouts stay long enough for a
 * machine that has much else to do.
 */
export function shortenPauses(): void {
	Object.assign(timing.http, { firstPause: 20, longestPause: 100 });
	Object.assign(timing.wait, { unknownAtFirst: 300, unknownAge: 100, lookPauses: [10, 20, 40] });
	timing.http.outageAsleep = 600;
	hurrySleep();
	timing.poll.shortest = 15;
	timing.lostAnswer.pause = 5;
	// The emulator makes a clip when it is asked for it first: on a busy machine, half a minute later.
	timing.media.readTimeout = 120_000;
	Object.assign(timing.download, {
		patience: 1_000,
		firstPause: 5,
		longestPause: 40,
		breakPause: 5,
	});
}

/** The same, and timeouts of less than half a second, for tests in which something never comes. */
export function hurry(): void {
	shortenPauses();
	Object.assign(timing.http, { createTimeout: 400, readTimeout: 400, outage: 300 });
	timing.download.stall = 300;
}
