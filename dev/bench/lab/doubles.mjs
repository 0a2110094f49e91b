// @ts-check
import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const NAME = 'n8n-nodes-bench-doubles';
const source = fileURLToPath(new URL('../doubles', import.meta.url));

/** @param {string} node */
export const double = (node) => `${NAME}.${node}`;

/**
 * Puts the bench's own nodes where n8n looks for community packages, so that other ways of doing the same run in the same
 * process, on the same disk, and are timed by the same n8n.
 *
 * @param {string} userFolder
 */
export function installDoubles(userFolder) {
	const folder = path.join(userFolder, '.n8n/nodes/node_modules', NAME);
	fs.mkdirSync(folder, { recursive: true });
	const nodes = fs.readdirSync(source).filter((file) => file.endsWith('.node.mjs'));
	for (const file of nodes) fs.copyFileSync(path.join(source, file), path.join(folder, file));
	const manifest = { name: NAME, version: '1.0.0', n8n: { n8nNodesApiVersion: 1, nodes } };
	fs.writeFileSync(path.join(folder, 'package.json'), JSON.stringify(manifest));
}
