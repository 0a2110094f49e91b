// @ts-check
import fs from 'node:fs';
import os from 'node:os';
import { fileURLToPath } from 'node:url';
import { killChildren, stopChildren } from './children.mjs';
import { report } from './problem.mjs';
import { hush } from './progress.mjs';

/**
 * Whether a script was called by its name, rather than imported.
 *
 * @param {string} url the script's `import.meta.url`
 */
export function isMain(url) {
	return process.argv[1] !== undefined && fs.realpathSync(process.argv[1]) === fileURLToPath(url);
}

/**
 * Runs a script's work and ends the process, with all that it started. On Ctrl-C, a termination or a closed terminal it
 * ends with `process.exitCode` where the work has set one, and with the shell's own code for the signal otherwise. A second
 * Ctrl-C waits for nobody.
 *
 * @param {() => Promise<number | void>} work gives the exit code, 0 by default
 */
export async function runCommand(work) {
	let stopping = false;
	for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM', 'SIGHUP'])) {
		process.on(signal, async () => {
			if (stopping) process.exit(1);
			stopping = true;
			hush();
			process.stdout.write('\nStopping …\n');
			await stopChildren();
			process.exit(process.exitCode ?? 128 + os.constants.signals[signal]);
		});
	}
	// The last word, also after a crash of the script.
	process.on('exit', killChildren);

	let code = 0;
	try {
		code = (await work()) ?? 0;
	} catch (error) {
		// What fails because its programs are being stopped is no news.
		if (stopping) return;
		report(error);
		code = 1;
	}
	if (stopping) return;
	await stopChildren();
	process.exit(code);
}
