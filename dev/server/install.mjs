// @ts-check
// Makes a real n8n ready, with the Node.js that it needs, both as pinned by a lock file. It lives in the user's cache and not
// in the project: it is 30 times the size of the rest, and the next clone finds it there.
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { cacheFolder } from './cache.mjs';
import { isMain, runCommand } from './command.mjs';
import { requireDisk } from './disk.mjs';
import { withLock } from './lock.mjs';
import { npm, npmCi } from './npm.mjs';
import { Problem } from './problem.mjs';
import { step } from './progress.mjs';

/**
 * Which n8n, and on what: a folder with a package.json and its lock file.
 *
 * @typedef {object} Pin
 * @property {string} source the folder
 * @property {number} nodeMajor the Node.js among its packages
 * @property {number} newestNode the newest Node.js that it runs on, where that of this system has to do
 * @property {number} bytes of disk that it takes
 * @property {string[]} [npmArgs] what the lock file was made with
 *
 * @typedef {object} N8n
 * @property {string} folder
 * @property {string} node the Node.js that runs it
 * @property {string} bin n8n's own start script
 * @property {string} version
 */

/** The n8n that all commands use, pinned beside this file. @type {Pin} */
const CURRENT = {
	source: path.dirname(fileURLToPath(import.meta.url)),
	nodeMajor: 24,
	newestNode: Infinity,
	bytes: 3.2e9,
};

const manifestOf = (/** @type {Pin} */ { source }) => path.join(source, 'package.json');
const lockFileOf = (/** @type {Pin} */ { source }) => path.join(source, 'package-lock.json');

/** @param {Pin} pin @returns {string} */
const versionOf = (pin) => JSON.parse(fs.readFileSync(manifestOf(pin), 'utf8')).dependencies.n8n;

/** @param {Pin} pin */
function place(pin) {
	const key = createHash('sha256')
		.update(fs.readFileSync(lockFileOf(pin)))
		.digest('hex')
		.slice(0, 12);
	return path.join(cacheFolder(), `n8n-${key}`);
}

/** @param {Pin} pin @param {string} folder */
function pinnedNode(pin, folder) {
	const { nodeMajor, newestNode } = pin;
	const name = process.platform === 'win32' ? 'node.exe' : 'node';
	const system = `${process.platform === 'win32' ? 'win' : process.platform}-${process.arch}`;
	for (const carrier of [`node-${system}`, `node-bin-${system}`]) {
		const file = path.join(folder, 'node_modules', carrier, 'bin', name);
		if (fs.existsSync(file)) return file;
	}
	const ours = Number(process.versions.node.split('.')[0]);
	if (ours >= nodeMajor && ours <= newestNode) return process.execPath;
	const range = newestNode === Infinity ? 'or newer' : `to ${newestNode}`;
	throw new Problem(
		`n8n ${versionOf(pin)} needs Node.js ${nodeMajor}, and no ready build of it is known for ${process.platform} on ${process.arch}: run the command with Node.js ${nodeMajor} ${range}.`,
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

/** @param {Pin} pin @param {string} folder @returns {N8n} */
const describe = (pin, folder) => ({
	folder,
	node: pinnedNode(pin, folder),
	bin: path.join(folder, 'node_modules/n8n/bin/n8n'),
	version: versionOf(pin),
});

/** Whether n8n is installed, as a whole. */
export const isInstalled = (pin = CURRENT) => isWhole(place(pin));

/** The installed n8n, for those who come after the installation. */
export function installedN8n(pin = CURRENT) {
	const folder = place(pin);
	if (!isWhole(folder)) {
		throw new Problem('n8n is not installed yet: run `node dev/server/install.mjs` once.');
	}
	return describe(pin, folder);
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

/** How many packages the lock file names for this system. @param {Pin} pin */
function countPackages(pin) {
	/** @type {Record<string, { os?: string[], cpu?: string[] }>} */
	const { '': _root, ...packages } = JSON.parse(fs.readFileSync(lockFileOf(pin), 'utf8')).packages;
	const fits = (/** @type {string[] | undefined} */ list, /** @type {string} */ ours) =>
		!list || list.includes(ours);
	return Object.values(packages).filter(
		({ os, cpu }) => fits(os, process.platform) && fits(cpu, process.arch),
	).length;
}

/**
 * Only what is missing; what an interrupted run has finished is not done again.
 *
 * @param {Pin} pin
 * @param {string} folder
 * @param {(text: string) => void} note
 */
async function install(pin, folder, note) {
	const what = `Installing n8n ${versionOf(pin)}`;
	const log = `${folder}.log`;
	fs.rmSync(log, { force: true });
	note('about five minutes, this once');
	if (!fs.existsSync(folder)) await download(pin, folder, { what, log, note });
	note('fitting sqlite3 to this machine, about a minute');
	await fit(pin, folder, { what, log });
	note(folder);
}

/**
 * All happens in a folder of another name, which gets its own when everything is there. What an interrupted run has
 * downloaded is in npm's cache.
 *
 * @param {Pin} pin
 * @param {string} folder
 * @param {{ what: string, log: string, note: (text: string) => void }} step
 */
async function download(pin, folder, { what, log, note }) {
	const draft = `${folder}.partial`;
	await requireDisk(
		folder,
		pin.bytes,
		what,
		'set the environment variable KLING_V2V_CACHE to a folder on another disk',
	);
	fs.mkdirSync(draft, { recursive: true });
	for (const file of [manifestOf(pin), lockFileOf(pin)])
		fs.copyFileSync(file, path.join(draft, path.basename(file)));
	// The engine that npm would hold the packages against is not the one that will run them.
	await npmCi({
		what,
		cwd: draft,
		log,
		total: countPackages(pin),
		note,
		args: ['--engine-strict=false', ...(pin.npmArgs ?? [])],
	});
	fs.renameSync(draft, folder);
}

/**
 * The one package that has to fit the machine. Without a compiler it comes ready-made, where its maker's server is
 * reachable. Its script has to run, whatever the project that this is called from says of scripts.
 *
 * @param {Pin} pin
 * @param {string} folder
 * @param {{ what: string, log: string }} step
 */
async function fit(pin, folder, { what, log }) {
	const failed = `${what} stopped at sqlite3, which could neither be downloaded ready-made nor be built here: install a C++ compiler, make and Python 3, and run the command again. The whole output is in ${log}.`;
	await npm(['rebuild', 'sqlite3', '--foreground-scripts', '--ignore-scripts=false'], {
		what,
		cwd: folder,
		log,
		env: withNode(pinnedNode(pin, folder), process.env),
		failed,
	});
	if (!isWhole(folder)) throw new Problem(failed);
}

/** @param {string} folder @returns whether n8n is there, and fits the machine */
const isWhole = (folder) =>
	fs.existsSync(path.join(folder, 'node_modules/sqlite3/build/Release/node_sqlite3.node'));

/** @returns {Promise<N8n>} */
export async function installN8n(pin = CURRENT) {
	return await step(`n8n ${versionOf(pin)} with Node.js ${pin.nodeMajor}`, async (note) => {
		const folder = place(pin);
		if (!isWhole(folder)) {
			makeCache(path.dirname(folder));
			await withLock(
				`${folder}.lock`,
				{ waiting: (pid) => note(`waiting for process ${pid}, which is installing it`) },
				async () => {
					if (!isWhole(folder)) await install(pin, folder, note);
				},
			);
		} else note('installed');
		return describe(pin, folder);
	});
}

if (isMain(import.meta.url)) await runCommand(async () => void (await installN8n()));
