// @ts-check
// What n8n gets to see is what users get: the packed tarball, built when the sources are newer. Nothing from the tree.
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { root } from '../setup.mjs';
import { npm } from './npm.mjs';
import { Problem } from './problem.mjs';
import { size, step } from './progress.mjs';
import { untar } from './untar.mjs';

const SOURCES = ['nodes', 'credentials', 'icons', 'package.json', 'tsconfig.json', 'gulpfile.js'];

/** @typedef {{ name: string, version: string, n8n: { nodes: string[], credentials: string[] } }} Manifest */

/** @returns {Manifest} */
const readManifest = () => JSON.parse(fs.readFileSync(path.join(root, 'package.json'), 'utf8'));

/**
 * The newest change in a file or folder; a folder's own time tells of what was removed from it.
 *
 * @param {string} place
 * @returns {number}
 */
function newest(place) {
	const stat = fs.statSync(place, { throwIfNoEntry: false });
	if (!stat) return 0;
	if (!stat.isDirectory()) return stat.mtimeMs;
	return Math.max(
		stat.mtimeMs,
		...fs.readdirSync(place).map((name) => newest(path.join(place, name))),
	);
}

/** Touched when the package has been built here: whatever is newer, in dist too, was not made by that. */
const BUILT = path.join(root, 'node_modules/.cache/built');

/** @param {Manifest} manifest */
function isBuilt({ n8n }) {
	const entries = [...n8n.nodes, ...n8n.credentials].map((file) => path.join(root, file));
	if (!entries.every((file) => fs.existsSync(file))) return false;
	const changed = Math.max(...[...SOURCES, 'dist'].map((name) => newest(path.join(root, name))));
	return changed <= newest(BUILT);
}

/** @param {string} log */
async function build(log) {
	try {
		await npm(['run', 'build'], {
			what: 'Building the package',
			cwd: root,
			log,
			// Without its spinners, the log is made of lines.
			env: { ...process.env, CI: 'true' },
			failed: `The package could not be built: mend what \`npm run build\` says and run the command again. Its whole output is in ${log}.`,
		});
		fs.mkdirSync(path.dirname(BUILT), { recursive: true });
		fs.writeFileSync(BUILT, '');
	} catch (error) {
		// A half-built package looks newer than its sources, and would be taken for a good one the next time.
		fs.rmSync(path.join(root, 'dist'), { recursive: true, force: true });
		throw error;
	}
}

/**
 * Puts the packed package where n8n looks for community packages.
 *
 * @param {string | string[]} userFolders of one n8n, or of several that get the very same tarball
 * @param {{ log: string }} options
 * @returns {Promise<{ version: string, bytes: number }>} `bytes`: of the tarball
 */
export async function packInto(userFolders, { log }) {
	return await step('The package, built and packed', async (note) => {
		const manifest = readManifest();
		fs.mkdirSync(path.dirname(log), { recursive: true });
		fs.rmSync(log, { force: true });
		if (!isBuilt(manifest)) {
			note('building');
			await build(log);
		}

		note('packing');
		const scratch = fs.mkdtempSync(path.join(os.tmpdir(), 'kling-v2v-pack-'));
		try {
			await npm(['pack', '--ignore-scripts', '--pack-destination', scratch], {
				what: 'Packing the package',
				cwd: root,
				log,
			});
			const tarball = fs.readdirSync(scratch).find((name) => name.endsWith('.tgz'));
			if (!tarball) throw new Problem(`Packing the package left no tarball: see ${log}.`);
			const packed = path.join(scratch, tarball);

			for (const userFolder of [userFolders].flat()) {
				const folder = path.join(userFolder, '.n8n/nodes/node_modules', manifest.name);
				fs.rmSync(folder, { recursive: true, force: true });
				untar(packed, folder);
			}
			const bytes = fs.statSync(packed).size;
			note(`${manifest.name} ${manifest.version}, ${size(bytes)}`);
			return { version: manifest.version, bytes };
		} finally {
			fs.rmSync(scratch, { recursive: true, force: true });
		}
	});
}
