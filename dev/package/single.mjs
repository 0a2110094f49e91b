// @ts-check
/** The package with one provider alone, as n8n asks for it before it verifies a package: derived from the sources, never edited. */
import fs from 'node:fs';
import path from 'node:path';
import { declaredIn } from '../docs/declared.mjs';
import { generated } from '../docs/generated.mjs';

/** @typedef {import('../../nodes/shared/providers/provider.ts').Provider} Provider */

const COPIED = [
	'nodes',
	'credentials',
	'icons',
	'gulpfile.js',
	'tsconfig.json',
	'eslint.config.mjs',
	'.prettierrc.json',
	'.gitignore',
	'LICENSE.md',
	'SECURITY.md',
];

/** A repository of the package has these of its own: writing the package again keeps them. */
const KEPT = ['.git', '.github', 'package-lock.json'];
const OF_A_NEW_REPOSITORY = ['.gitignore', 'README.md', 'LICENSE'];
const OWN_ADDRESSES = ['homepage', 'bugs', 'repository'];

/** These files build, check and publish the package; the tests stay with the main one. */
const SCRIPTS = ['build', 'lint', 'verify:dist', 'dev', 'release', 'prepublishOnly'];
const TOOLS = [
	'@n8n/node-cli',
	'@types/node',
	'eslint',
	'gulp',
	'n8n-workflow',
	'prettier',
	'release-it',
	'typescript',
];

/** @param {string} main the name of the package with all providers @param {Provider} provider */
export const nameOf = (main, provider) => `${main}-${provider.name.toLowerCase()}`;

/**
 * Writes the sources of the package with one provider.
 *
 * @param {string} root the main package's folder, built
 * @param {string} folder where the sources go; what is there is replaced, but for what a repository of its own has
 * @param {string} only the provider's name
 * @returns {{ name: string, provider: Provider }}
 */
export function writeSingle(root, folder, only) {
	const { providers } = declaredIn(root);
	const provider = providers.find(({ name }) => name === only);
	if (!provider) {
		throw new Error(
			`There is no provider "${only}": ${providers.map(({ name }) => name).join(', ')}.`,
		);
	}
	const others = providers.filter((each) => each !== provider);
	const manifest = readJson(path.join(root, 'package.json'));
	const name = nameOf(manifest.name, provider);
	const earlier = manifestIn(folder);
	empty(folder, earlier?.name === name);
	for (const each of COPIED) {
		fs.cpSync(path.join(root, each), path.join(folder, each), { recursive: true });
	}
	fs.symlinkSync(path.join(root, 'node_modules'), path.join(folder, 'node_modules'));
	for (const other of others) removeProvider(folder, other);
	writeJson(path.join(folder, 'package.json'), {
		...manifestOf(manifest, name, provider, others),
		...pick(earlier ?? {}, OWN_ADDRESSES),
	});
	renameNodes(path.join(folder, 'nodes'), manifest.name, name);
	writeExamples(path.join(root, 'examples'), path.join(folder, 'examples'), {
		main: manifest.name,
		name,
		provider,
		others,
	});
	const template = fs.readFileSync(path.join(root, 'dev/package/README.md'), 'utf8');
	const values = {
		name,
		label: provider.label,
		main: manifest.name,
		credential: provider.label,
		link: asksForTheLinkAtOnce(provider) ? '**Video URL**' : '**Reference Videos**, Video URL',
	};
	fs.writeFileSync(
		path.join(folder, 'README.md'),
		template.replace(/\{\{(\w+)\}\}/g, (_all, key) => values[/** @type {'name'} */ (key)]),
	);
	return { name, provider };
}

/** @param {string} folder @param {boolean} isOurs whether an earlier call has written what is there */
function empty(folder, isOurs) {
	fs.mkdirSync(folder, { recursive: true });
	const entries = fs.readdirSync(folder).filter((entry) => !KEPT.includes(entry));
	if (!isOurs && entries.some((entry) => !OF_A_NEW_REPOSITORY.includes(entry))) {
		throw new Error(
			`${folder} holds something else, which would be deleted: name an empty folder.`,
		);
	}
	for (const entry of entries) fs.rmSync(path.join(folder, entry), { recursive: true });
}

/** @param {string} folder */
function manifestIn(folder) {
	const file = path.join(folder, 'package.json');
	return fs.existsSync(file) ? readJson(file) : undefined;
}

/** @param {Record<string, unknown>} all @param {string[]} names those that are not there are left out */
const pick = (all, names) =>
	Object.fromEntries(names.filter((each) => each in all).map((each) => [each, all[each]]));

/** Fills in the tables of the README, from the declarations of the package as it is now built. @param {string} folder */
export function writeTables(folder) {
	for (const { file, after } of generated(folder, ['README.md'])) {
		fs.writeFileSync(path.join(folder, file), after);
	}
}

/** @param {string} folder @param {Provider} other */
function removeProvider(folder, { name, credential, searchTerms }) {
	fs.rmSync(path.join(folder, 'nodes/shared/providers', name), { recursive: true });
	edit(path.join(folder, 'nodes/shared/providers/registry.ts'), (text) =>
		text.replace(new RegExp(`^export \\{ ${name} \\}.*\\n`, 'm'), ''),
	);
	fs.rmSync(path.join(folder, 'credentials', `${classOf(credential)}.credentials.ts`));
	for (const icon of [`${name}.svg`, `${name}.dark.svg`])
		fs.rmSync(path.join(folder, 'icons', icon));
	for (const file of filesBelow(path.join(folder, 'nodes'))) {
		if (!file.endsWith('.node.json')) continue;
		const codex = readJson(file);
		codex.alias = codex.alias.filter((/** @type {string} */ word) => !searchTerms.includes(word));
		writeJson(file, codex);
	}
}

/** @param {string} credential */
const classOf = (credential) => credential[0]?.toUpperCase() + credential.slice(1);

/**
 * @param {any} manifest the main package's
 * @param {string} name
 * @param {Provider} provider
 * @param {Provider[]} others
 */
function manifestOf(manifest, name, provider, others) {
	const words = others.flatMap(({ searchTerms }) => searchTerms.map((word) => word.toLowerCase()));
	return {
		...manifest,
		name,
		description: `Make AI videos from a reference video with Kling 3 Omni in n8n, through ${provider.label}. The nodes take care that you pay for no task twice, and lose none`,
		keywords: manifest.keywords.filter((/** @type {string} */ word) => !words.includes(word)),
		n8n: {
			...manifest.n8n,
			credentials: [`dist/credentials/${classOf(provider.credential)}.credentials.js`],
		},
		scripts: pick(manifest.scripts, SCRIPTS),
		devDependencies: pick(manifest.devDependencies, TOOLS),
	};
}

/** The nodes name each other by their package. @param {string} folder @param {string} from @param {string} to */
function renameNodes(folder, from, to) {
	for (const file of filesBelow(folder)) {
		if (/\.(ts|json)$/.test(file))
			edit(file, (text) => text.replaceAll(`${from}.kling`, `${to}.kling`));
	}
}

/**
 * The examples that the provider can do, with its name in place of the one they were written for.
 *
 * @param {string} from
 * @param {string} to
 * @param {{ main: string, name: string, provider: Provider, others: Provider[] }} options
 */
function writeExamples(from, to, { main, name, provider, others }) {
	fs.mkdirSync(to);
	for (const file of fs.readdirSync(from)) {
		const workflow = readJson(path.join(from, file));
		const own = workflow.nodes.filter((/** @type {any} */ { type }) => type.startsWith(`${main}.`));
		if (own.some((/** @type {any} */ { parameters }) => !canDo(provider, parameters))) continue;
		for (const node of own) {
			const { endpoint: _endpoint, ...parameters } = node.parameters;
			node.type = node.type.replace(main, name);
			node.parameters = { ...parameters, provider: provider.name, ...endpointFor(provider, node) };
		}
		const labels = others.map(({ label }) => label).join('|');
		const text = JSON.stringify(workflow, null, '\t').replace(
			new RegExp(labels, 'g'),
			provider.label,
		);
		fs.writeFileSync(path.join(to, file), `${text}\n`);
	}
}

/** Whether a provider has what a node's parameters ask for. @param {Provider} provider @param {any} parameters */
function canDo({ callback, listPath, upload, name }, { provider, ...parameters }) {
	if (provider === undefined || provider === name) return true;
	if (parameters.operation === 'getMany') return listPath !== undefined;
	if (parameters.additionalFields?.webhookUrl || parameters.events) return callback !== undefined;
	const handsOver = parameters.videoSource === 'binary' || parameters.options?.clipLength;
	return !handsOver || upload !== undefined;
}

/** Whether a new node shows Video URL at its top, whatever endpoint it is set to. @param {Provider} provider */
const asksForTheLinkAtOnce = ({ parameters }) =>
	parameters.main.some(
		({ name, displayOptions }) => name === 'videoUrl' && !displayOptions?.show?.endpoint,
	);

/** The first endpoint whose reference video stands at the top of the node, as in the examples. @param {Provider} provider @param {any} node */
function endpointFor({ parameters, endpoints }, { type }) {
	if (!parameters.endpoint || /Trigger$/.test(type)) return {};
	const shown = parameters.main
		.filter(({ name }) => name === 'videoUrl')
		.flatMap(
			({ displayOptions }) => /** @type {string[]} */ (displayOptions?.show?.endpoint ?? []),
		);
	return { endpoint: endpoints.find((each) => shown.includes(each)) ?? endpoints[0] };
}

/** @param {string} file @param {(text: string) => string} change */
const edit = (file, change) => fs.writeFileSync(file, change(fs.readFileSync(file, 'utf8')));

/** @param {string} file */
const readJson = (file) => JSON.parse(fs.readFileSync(file, 'utf8'));

/** @param {string} file @param {unknown} value */
const writeJson = (file, value) => fs.writeFileSync(file, `${JSON.stringify(value, null, '\t')}\n`);

/** @param {string} folder */
const filesBelow = (folder) =>
	fs
		.readdirSync(folder, { recursive: true, withFileTypes: true })
		.filter((entry) => entry.isFile())
		.map((entry) => path.join(entry.parentPath, entry.name));
