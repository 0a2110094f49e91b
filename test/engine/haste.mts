import { createRequire } from 'node:module';
import path from 'node:path';

/** The built module that the engine has loaded, so that its patience can be shortened for a test. */
export function built<T>(module: string): T {
	return createRequire(path.join(process.cwd(), 'package.json'))(
		`./dist/nodes/shared/${module}.js`,
	) as T;
}

/** Everything the package is patient with, at a speed for tests: milliseconds instead of minutes. */
export function hurry(): void {
	Object.assign(built<typeof import('../../nodes/shared/transport.ts')>('transport').patience, {
		createTimeout: 400,
		readTimeout: 400,
		outage: 300,
		firstPause: 20,
		longestPause: 100,
	});
	Object.assign(built<typeof import('../../nodes/shared/wait.ts')>('wait').forgiveness, {
		unknownAtFirst: 300,
		unknownAge: 100,
	});
	built<typeof import('../../nodes/shared/wait.ts')>('wait').lookUpPauses.splice(0, 3, 10, 20, 40);
	built<typeof import('../../nodes/shared/nudge.ts')>('nudge').pauses.splice(0, 4, 10, 20, 40, 80);
	Object.assign(built<typeof import('../../nodes/shared/schedule.ts')>('schedule').pace, {
		shortest: 15,
	});
	Object.assign(built<typeof import('../../nodes/shared/submit.ts')>('submit').lostAnswer, {
		pause: 5,
	});
	Object.assign(built<typeof import('../../nodes/shared/download.ts')>('download').tolerance, {
		stall: 300,
		pause: 5,
	});
	Object.assign(built<typeof import('../../nodes/shared/run.ts')>('run').turn, {
		firstPause: 20,
		longestPause: 100,
	});
}
