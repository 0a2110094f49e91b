// @ts-check
import fs from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

/** @param {number} pid */
function isAlive(pid) {
	try {
		process.kill(pid, 0);
		return true;
	} catch (error) {
		return /** @type {NodeJS.ErrnoException} */ (error).code === 'EPERM';
	}
}

/** @param {string} file @returns {number | undefined} */
function owner(file) {
	try {
		return Number(fs.readFileSync(file, 'utf8')) || undefined;
	} catch {
		return undefined;
	}
}

/**
 * Lets one process at a time do the work. The file names its owner, so that one left behind by a killed process is
 * known as such and taken over.
 *
 * @template T
 * @param {string} file
 * @param {{ waiting: (pid: number) => void }} hooks
 * @param {() => Promise<T>} work
 * @returns {Promise<T>}
 */
export async function withLock(file, { waiting }, work) {
	for (;;) {
		try {
			fs.writeFileSync(file, String(process.pid), { flag: 'wx' });
			// Two processes that find the same dead owner may each remove "its" file and write their own: the last one has it.
			await sleep(50);
			if (owner(file) === process.pid) break;
		} catch (error) {
			if (/** @type {NodeJS.ErrnoException} */ (error).code !== 'EEXIST') throw error;
			const pid = owner(file);
			if (pid !== undefined && isAlive(pid)) waiting(pid);
			else fs.rmSync(file, { force: true });
		}
		await sleep(500);
	}
	const release = () => fs.rmSync(file, { force: true });
	process.once('exit', release);
	try {
		return await work();
	} finally {
		process.off('exit', release);
		release();
	}
}
