// @ts-check
// Makes a real n8n ready, with the Node.js that it needs, both as pinned by the lock file beside this one. It lives in the
// user's cache and not in the project: it is 30 times the size of the rest, and the next clone finds it there.
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { isMain, runCommand } from './command.mjs';
import { requireDisk } from './disk.mjs';
import { withLock } from './lock.mjs';
import { npm, npmCi } from './npm.mjs';
import { Problem } from './problem.mjs';
import { step } from './progress.mjs';

/**
 * @typedef {object} N8n
 * @property {string} folder
 * @property {string} node the Node.js that runs it
 * @property {string} bin n8n's own start script
 * @property {string} version
 */

const here = path.dirname(fileURLToPath(import.meta.url));
const manifest = path.join(here, 'package.json');
const lockFile = path.join(here, 'package-lock.json');

const TREE_BYTES = 3.2e9;
const NODE_MAJOR = 24;

/** @type {string} */
export const n8nVersion = JSON.parse(fs.readFileSync(manifest, 'utf8')).dependencies.n8n;

function place() {
	const cache =
		process.env.KLING_V2V_CACHE ??
		path.join(
			process.env.XDG_CACHE_HOME ?? path.join(os.homedir(), '.cache'),
			'n8n-nodes-kling-v2v',
		);
	const key = createHash('sha256').update(fs.readFileSync(lockFile)).digest('hex').slice(0, 12);
	return path.resolve(cache, `n8n-${key}`);
}

/** @param {string} folder */
function pinnedNode(folder) {
	const name = process.platform === 'win32' ? 'node.exe' : 'node';
	const system = `${process.platform === 'win32' ? 'win' : process.platform}-${process.arch}`;
	for (const carrier of [`node-${system}`, `node-bin-${system}`]) {
		const file = path.join(folder, 'node_modules', carrier, 'bin', name);
		if (fs.existsSync(file)) return file;
	}
	if (Number(process.versions.node.split('.')[0]) >= NODE_MAJOR) return process.execPath;
	throw new Problem(
		`n8n ${n8nVersion} needs Node.js ${NODE_MAJOR}, and no ready build of it is known for ${process.platform} on ${process.arch}: install Node.js ${NODE_MAJOR} or newer and run the command again.`,
	);
}

/**
 * An environment in which `node` is the one that n8n needs, also for what the started program starts in turn.
 *
 * @param {string} node
 * @param {NodeJS.ProcessEnv} env
 */
export const withNode = (node, env) => ({
	...env,
	PATH: [path.dirname(node), env.PATH ?? env.Path].filter(Boolean).join(path.delimiter),
});

/** @param {string} folder @returns {N8n} */
const describe = (folder) => ({
	folder,
	node: pinnedNode(folder),
	bin: path.join(folder, 'node_modules/n8n/bin/n8n'),
	version: n8nVersion,
});

/** The installed n8n, for those who come after the installation. */
export function installedN8n() {
	const folder = place();
	if (!fs.existsSync(folder)) {
		throw new Problem('n8n is not installed yet: run `node test/server/install.mjs` once.');
	}
	return describe(folder);
}

/** @param {string} cache */
function makeCache(cache) {
	try {
		fs.mkdirSync(cache, { recursive: true });
		fs.accessSync(cache, fs.constants.W_OK);
	} catch (error) {
		throw new Problem(
			`n8n is installed into ${cache}, which cannot be written to: set the environment variable KLING_V2V_CACHE to a folder that can.`,
			{ cause: error },
		);
	}
}

/** How many packages the lock file names for this system. */
function countPackages() {
	/** @type {Record<string, { os?: string[], cpu?: string[] }>} */
	const { '': _root, ...packages } = JSON.parse(fs.readFileSync(lockFile, 'utf8')).packages;
	const fits = (/** @type {string[] | undefined} */ list, /** @type {string} */ ours) =>
		!list || list.includes(ours);
	return Object.values(packages).filter(
		({ os, cpu }) => fits(os, process.platform) && fits(cpu, process.arch),
	).length;
}

/**
 * All happens in a folder of another name, which gets its own when everything is there: a folder of the right name is
 * always whole. What an interrupted run has downloaded is in npm's cache, and a finished download is not repeated.
 *
 * @param {string} folder
 * @param {(text: string) => void} note
 */
async function install(folder, note) {
	const what = `Installing n8n ${n8nVersion}`;
	const draft = `${folder}.partial`;
	const log = `${folder}.log`;
	const downloaded = path.join(draft, '.downloaded');
	fs.rmSync(log, { force: true });
	note('about five minutes, this once');

	if (!fs.existsSync(downloaded)) {
		await requireDisk(
			folder,
			TREE_BYTES,
			what,
			'set the environment variable KLING_V2V_CACHE to a folder on another disk',
		);
		fs.mkdirSync(draft, { recursive: true });
		for (const file of [manifest, lockFile])
			fs.copyFileSync(file, path.join(draft, path.basename(file)));
		// The engine that npm would hold the packages against is not the one that will run them.
		await npmCi({
			what,
			cwd: draft,
			log,
			total: countPackages(),
			note,
			args: ['--engine-strict=false'],
		});
		fs.writeFileSync(downloaded, '');
	}

	// The one package that has to fit the machine. Without a compiler it comes ready-made, where its maker's server is reachable.
	note('fitting sqlite3 to this machine, about a minute');
	const node = pinnedNode(draft);
	await npm(['rebuild', 'sqlite3', '--foreground-scripts'], {
		what,
		cwd: draft,
		log,
		env: withNode(node, process.env),
		failed: `${what} stopped at sqlite3, which could neither be downloaded ready-made nor be built here: install a C++ compiler, make and Python 3, and run the command again. The whole output is in ${log}.`,
	});

	fs.renameSync(draft, folder);
	note(folder);
}

/** @returns {Promise<N8n>} */
export async function installN8n() {
	return await step(`n8n ${n8nVersion} with Node.js ${NODE_MAJOR}`, async (note) => {
		const folder = place();
		if (!fs.existsSync(folder)) {
			makeCache(path.dirname(folder));
			await withLock(
				`${folder}.lock`,
				{ waiting: (pid) => note(`waiting for process ${pid}, which is installing it`) },
				async () => {
					if (!fs.existsSync(folder)) await install(folder, note);
				},
			);
		} else note('installed');
		return describe(folder);
	});
}

if (isMain(import.meta.url)) await runCommand(async () => void (await installN8n()));
