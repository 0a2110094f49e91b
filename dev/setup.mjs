// @ts-check
// Makes the project's own development tree ready, from a fresh clone with only Node.js and npm.
import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { isMain, runCommand } from './server/command.mjs';
import { requireDisk } from './server/disk.mjs';
import { npmCi } from './server/npm.mjs';
import { Problem } from './server/problem.mjs';
import { step } from './server/progress.mjs';

export const root = fileURLToPath(new URL('..', import.meta.url)).replace(/[\\/]$/, '');

const OLDEST_NODE = 20;
const TREE_BYTES = 1.2e9;

/** @typedef {Record<string, { version?: string, integrity?: string, optional?: boolean }>} Packages */

/** @param {string} file @returns {Packages | undefined} */
function packagesOf(file) {
	try {
		return JSON.parse(fs.readFileSync(file, 'utf8')).packages;
	} catch {
		return undefined;
	}
}

/**
 * npm leaves a lock file of its own in node_modules when an install has come to its end: the tree is up to date when that
 * one names the same packages. An optional package may be absent, as most are for other systems.
 *
 * @param {Packages} wanted
 */
function isInstalled(wanted) {
	const installed = packagesOf(path.join(root, 'node_modules/.package-lock.json'));
	if (!installed) return false;
	return Object.entries(wanted).every(([place, { version, integrity, optional }]) => {
		if (place === '') return true;
		const found = installed[place];
		if (!found) return optional === true;
		return found.version === version && found.integrity === integrity;
	});
}

/** Installs what package-lock.json names, unless it is there. */
export async function setUp() {
	if (Number(process.versions.node.split('.')[0]) < OLDEST_NODE) {
		throw new Problem(
			`This is Node.js ${process.versions.node}, and the project needs ${OLDEST_NODE} or newer: install a newer one and run the command again.`,
		);
	}
	await step('Development tools', async (note) => {
		const wanted = packagesOf(path.join(root, 'package-lock.json'));
		if (!wanted) {
			throw new Problem(
				'package-lock.json is missing or damaged: restore it with `git checkout package-lock.json`.',
			);
		}
		if (isInstalled(wanted)) return note('installed');
		await requireDisk(root, TREE_BYTES, 'Installing the development tools');
		const log = path.join(root, 'npm-ci.log');
		fs.rmSync(log, { force: true });
		const total = Object.values(wanted).filter(({ optional }) => !optional).length;
		await npmCi({ what: 'Installing the development tools', cwd: root, log, total, note });
	});
}

if (isMain(import.meta.url)) await runCommand(setUp);
