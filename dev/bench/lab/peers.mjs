// @ts-check
import fs from 'node:fs';
import path from 'node:path';
import { npm } from '../../server/npm.mjs';

/**
 * Other community packages for media and AI, of versions that stay. Installed as n8n installs them, but for install
 * scripts, and never into the project.
 */
const PEERS = [
	{ name: 'n8n-nodes-creatomate', version: '0.2.0' },
	{ name: 'n8n-nodes-upload-post', version: '0.1.32' },
	{ name: '@blotato/n8n-nodes-blotato', version: '1.0.10' },
	{ name: '@mendable/n8n-nodes-firecrawl', version: '2.1.2' },
	{ name: 'n8n-nodes-mcp', version: '0.1.37' },
];

/** @typedef {{ name: string, version: string, folder: string, bytes: number }} Peer `bytes`: of the tarball */

/**
 * @param {string} cache kept between runs
 * @param {string} log
 * @returns {Promise<Peer[]>}
 */
export async function installPeers(cache, log) {
	/** @type {Peer[]} */
	const peers = [];
	for (const { name, version } of PEERS) {
		const place = path.join(cache, `bench-peer-${name.replace(/\W+/g, '-')}-${version}`);
		if (!fs.existsSync(place)) await install(`${name}@${version}`, place, log);
		const tarball = /** @type {string} */ (
			fs.readdirSync(place).find((file) => file.endsWith('.tgz'))
		);
		peers.push({
			name,
			version,
			folder: path.join(place, 'node_modules', name),
			bytes: fs.statSync(path.join(place, tarball)).size,
		});
	}
	return peers;
}

/** A folder of the right name is always whole. @param {string} spec @param {string} place @param {string} log */
async function install(spec, place, log) {
	const draft = `${place}.partial`;
	fs.rmSync(draft, { recursive: true, force: true });
	fs.mkdirSync(draft, { recursive: true });
	fs.writeFileSync(path.join(draft, 'package.json'), '{ "private": true }');
	const what = `Installing ${spec}`;
	await npm(['pack', spec], { what, cwd: draft, log });
	await npm(
		[
			...['install', spec, '--ignore-scripts', '--legacy-peer-deps'],
			...['--omit=dev', '--no-audit', '--no-fund', '--engine-strict=false'],
		],
		{ what, cwd: draft, log },
	);
	fs.renameSync(draft, place);
}
