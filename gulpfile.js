'use strict';

/**
 * What the n8n node CLI leaves undone: fresh icons while developing, and proof that everything the
 * package promises is in dist and loads.
 */

const fs = require('node:fs');
const path = require('node:path');
const { dest, src, watch } = require('gulp');

const root = __dirname;
const dist = path.join(root, 'dist');
const ICONS = 'icons/*.svg';

function buildIcons() {
	return src(ICONS, { base: root, encoding: false }).pipe(dest(dist));
}

function watchIcons() {
	return watch(ICONS, { ignoreInitial: false }, buildIcons);
}

/** Fails with every missing or broken file at once. */
async function verifyDist() {
	const { n8n } = JSON.parse(fs.readFileSync(path.join(root, 'package.json'), 'utf8'));
	const problems = [
		...[...n8n.nodes, ...n8n.credentials].flatMap(verifyClass),
		...n8n.nodes.flatMap(verifyCodex),
		...filesBelow(path.join(root, 'icons')).flatMap(verifyCopied),
		...filesBelow(path.join(root, 'nodes'))
			.filter((file) => file.includes('__schema__') || file.endsWith('.node.json'))
			.flatMap(verifyCopied),
	];
	if (problems.length > 0) throw new Error(`dist is not complete:\n  ${problems.join('\n  ')}`);
}

/** A node or credential: its file exists, loads, and every icon it names is there. */
function verifyClass(file) {
	const compiled = path.join(root, file);
	if (!fs.existsSync(compiled)) return [`${file} is missing`];
	const className = path.basename(file).split('.')[0];
	try {
		const instance = new (require(compiled)[className])();
		const { icon, name } = instance.description ?? instance;
		if (!name) return [`${file} has no name`];
		return Object.values(icon).flatMap((icon) => {
			const target = path.join(path.dirname(compiled), icon.replace(/^file:/, ''));
			return fs.existsSync(target) ? [] : [`${file} names the icon ${icon}, which is missing`];
		});
	} catch (error) {
		return [`${file} does not load: ${error.message}`];
	}
}

function verifyCodex(file) {
	const codex = path.join(root, file.replace(/\.js$/, '.json'));
	if (!fs.existsSync(codex)) return [`${path.relative(root, codex)} is missing`];
	return [];
}

function verifyCopied(file) {
	const copy = path.join(dist, path.relative(root, file));
	if (!fs.existsSync(copy)) return [`${path.relative(root, copy)} is missing`];
	if (!file.endsWith('.json')) return [];
	try {
		JSON.parse(fs.readFileSync(copy, 'utf8'));
		return [];
	} catch (error) {
		return [`${path.relative(root, copy)} is no JSON: ${error.message}`];
	}
}

function filesBelow(folder) {
	return fs
		.readdirSync(folder, { recursive: true, withFileTypes: true })
		.filter((entry) => entry.isFile())
		.map((entry) => path.join(entry.parentPath ?? entry.path, entry.name));
}

exports['build:icons'] = buildIcons;
exports['watch:icons'] = watchIcons;
exports['verify:dist'] = verifyDist;
