// @ts-check
import { spawn } from 'node:child_process';
import fs from 'node:fs';

/**
 * @typedef {object} Child
 * @property {string} name
 * @property {import('node:child_process').ChildProcess} process
 * @property {Promise<{ code: number | null, signal: string | null, error?: NodeJS.ErrnoException }>} ended
 * @property {() => boolean} running
 * @property {() => Promise<void>} stop asks it to end, and ends it after the grace
 * @property {() => Promise<void>} kill ends it at once, with all that it started
 */

/** Everything that was started and has not ended, oldest first. @type {Set<Child>} */
const running = new Set();

const groups = process.platform !== 'win32';

/** @param {import('node:child_process').ChildProcess} child */
function killGroup(child) {
	try {
		if (groups && child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
		else child.kill('SIGKILL');
	} catch {
		// Nothing of it is left.
	}
}

const leash = new URL('./leash.mjs', import.meta.url).href;

/**
 * Starts a program in a process group of its own: a Ctrl-C in the terminal then reaches this script only, which stops
 * what it started in order, and a forced end takes the program's own children along.
 *
 * @param {string} name
 * @param {string} command
 * @param {string[]} args
 * @param {{ cwd: string, env?: NodeJS.ProcessEnv, log?: string, onLine?: (line: string) => void, leashed?: boolean, graceMs?: number }} options
 *   `log`: where all its output goes; `onLine`: told every line of output; `leashed`: for a Node program, see leash.mjs;
 *   `graceMs`: how long it may take to stop
 * @returns {Child}
 */
export function startChild(
	name,
	command,
	args,
	{ cwd, env = process.env, log, onLine, leashed = false, graceMs = 15_000 },
) {
	const file = log === undefined ? undefined : fs.openSync(log, 'a', 0o600);
	const output = onLine ? 'pipe' : (file ?? 'ignore');
	const child = spawn(command, leashed ? ['--import', leash, ...args] : args, {
		cwd,
		env,
		stdio: [leashed ? 'pipe' : 'ignore', output, output],
		detached: groups,
		windowsHide: true,
		// npm is a script, not a program, on Windows.
		shell: !groups && command === 'npm',
	});

	/** @type {Child['ended']} */
	const ended = new Promise((resolve) => {
		child.once('error', (error) => {
			if (child.pid === undefined) resolve({ code: null, signal: null, error });
		});
		child.once('close', (code, signal) => resolve({ code, signal }));
	});

	/** @type {Child} */
	const started = {
		name,
		process: child,
		ended,
		running: () => running.has(started),
		stop: async () => {
			if (!running.has(started)) return;
			child.kill('SIGTERM');
			const timer = setTimeout(killGroup, graceMs, child);
			await ended;
			clearTimeout(timer);
		},
		kill: async () => {
			killGroup(child);
			await ended;
		},
	};
	running.add(started);
	void ended.then(() => {
		running.delete(started);
		// A group of which the leader has gone can still hold members.
		killGroup(child);
	});
	child.once('close', () => file !== undefined && fs.closeSync(file));

	if (onLine) {
		for (const stream of [child.stdout, child.stderr]) {
			let rest = '';
			stream?.setEncoding('utf8').on('data', (/** @type {string} */ text) => {
				if (file !== undefined) fs.writeSync(file, text);
				const lines = (rest + text).split('\n');
				rest = /** @type {string} */ (lines.pop());
				lines.forEach(onLine);
			});
		}
	}
	return started;
}

/** Stops all that was started, the newest first: what came later may lean on what came before. */
export async function stopChildren() {
	for (const child of [...running].reverse()) await child.stop();
}

/** Ends all that was started, at once and without waiting. */
export function killChildren() {
	for (const child of running) killGroup(child.process);
}

/**
 * The last lines of a log file.
 *
 * @param {string} log
 */
export function tail(log, lines = 15) {
	if (!fs.existsSync(log)) return '';
	return fs.readFileSync(log, 'utf8').trimEnd().split('\n').slice(-lines).join('\n');
}
