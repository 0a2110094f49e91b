// @ts-check
import { execFile } from 'node:child_process';
import fs from 'node:fs';
import { promisify } from 'node:util';

const SAMPLE_MS = 50;

/** Resident memory of a process in bytes. @param {number} pid */
export async function resident(pid) {
	if (process.platform === 'linux') return field(pid, 'VmRSS');
	const { stdout } = await promisify(execFile)('ps', ['-o', 'rss=', '-p', String(pid)]);
	return Number(stdout) * 1024;
}

/** @param {number} pid @param {string} name of a line in /proc, in kB */
function field(pid, name) {
	const status = fs.readFileSync(`/proc/${pid}/status`, 'utf8');
	return Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(status)?.[1] ?? 0) * 1024;
}

/**
 * Watches a process from outside. Linux itself keeps the highest mark, so not even a moment's peak is missed; elsewhere
 * samples have to do.
 *
 * @param {number} pid
 * @returns {Promise<{ base: number, stop: () => number }>} `base`: bytes at the start; `stop` gives the peak
 */
export async function watchMemory(pid) {
	const base = await resident(pid);
	if (process.platform === 'linux') {
		// "5" sets the mark back to what is in use now.
		fs.writeFileSync(`/proc/${pid}/clear_refs`, '5');
		return { base, stop: () => field(pid, 'VmHWM') };
	}
	let peak = base;
	const timer = setInterval(async () => {
		peak = Math.max(peak, await resident(pid).catch(() => 0));
	}, SAMPLE_MS);
	return {
		base,
		stop: () => {
			clearInterval(timer);
			return peak;
		},
	};
}

/**
 * CPU time that a process has used, in milliseconds: unlike the clock, it hardly notices what else runs on the machine.
 *
 * @param {number} pid
 * @returns {number} NaN where the system does not tell
 */
export function cpuTime(pid) {
	if (process.platform !== 'linux') return NaN;
	// The name, in brackets, may hold spaces; times are counted in hundredths of a second.
	const [, rest = ''] = fs.readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ');
	const [user, system] = rest.split(' ').slice(11, 13).map(Number);
	return (Number(user) + Number(system)) * 10;
}
