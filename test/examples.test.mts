import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { beforeAll, describe, expect, test } from '@jest/globals';
import type { INode, INodeTypeDescription, IWorkflowBase } from 'n8n-workflow';
import { NodeHelpers } from 'n8n-workflow';
import { examples } from '../dev/server/examples.mjs';
import { installedN8n, isInstalled } from '../dev/server/install.mjs';
import { descriptionOf, loadPackage } from './engine/engine.mts';

/** The workflows that users import: they must fit the nodes as they are, and n8n's own. */

const FOLDER = path.resolve('examples');
const OWN = 'n8n-nodes-kling-v2v.';
const STICKY = 'n8n-nodes-base.stickyNote';

const files = readdirSync(FOLDER).filter((name) => name.endsWith('.json'));

function read(file: string): IWorkflowBase {
	return JSON.parse(readFileSync(path.join(FOLDER, file), 'utf8')) as IWorkflowBase;
}

/** The descriptions of n8n's own nodes, by package; where n8n has been installed by `npm start` or the end-to-end tests. */
const PACKAGES = ['n8n-nodes-base', '@n8n/n8n-nodes-langchain'];

function descriptionsOf(name: string): INodeTypeDescription[] {
	const file = path.join(installedN8n().folder, 'node_modules', name, 'dist/types/nodes.json');
	return JSON.parse(readFileSync(file, 'utf8')) as INodeTypeDescription[];
}

const isAtHand = isInstalled();

let known: Map<string, INodeTypeDescription[]>;

beforeAll(async () => {
	await loadPackage();
	known = new Map();
	if (!isAtHand) return;
	for (const name of PACKAGES) {
		for (const each of descriptionsOf(name)) {
			const type = `${name}.${each.name}`;
			known.set(type, [...(known.get(type) ?? []), each]);
		}
	}
});

function described({ type, typeVersion }: INode): INodeTypeDescription | undefined {
	if (type.startsWith(OWN)) return descriptionOf(type);
	return known.get(type)?.find(({ version }) => [version].flat().includes(typeVersion));
}

/** What n8n finds wrong with the parameters of a node, and those that it does not know or would not show. */
function problemsOf(node: INode): string[] {
	const description = described(node);
	if (!description) return [`${node.name}: n8n has no ${node.type} ${node.typeVersion}`];
	const { properties } = description;
	const parameters =
		NodeHelpers.getNodeParameters(properties, node.parameters, true, false, node, description) ??
		{};
	const issues = NodeHelpers.getNodeParametersIssues(
		properties,
		{ ...node, parameters },
		description,
	);
	const lost = lostIn(node.parameters, parameters);
	return [
		...Object.values(issues?.parameters ?? {}).flat(),
		...lost.map((name) => `${name} is not shown`),
	].map((problem) => `${node.name}: ${problem}`);
}

/** @returns the paths of values that n8n has dropped */
function lostIn(given: unknown, kept: unknown, at = ''): string[] {
	if (typeof given !== 'object' || given === null || Array.isArray(given)) {
		return kept === undefined ? [at] : [];
	}
	return Object.entries(given).flatMap(([name, value]) =>
		lostIn(value, (kept as Record<string, unknown> | undefined)?.[name], `${at}.${name}`),
	);
}

describe.each(files)('examples/%s', (file) => {
	const workflow = read(file);
	const steps = workflow.nodes.filter(({ type }) => type !== STICKY);

	test('has notes on the canvas, a name like the others, and nothing of whoever made it', () => {
		const notes = workflow.nodes.filter(({ type }) => type === STICKY);
		expect(notes.length).toBeGreaterThanOrEqual(1);
		expect(workflow.name).toMatch(/^Kling V2V: /);
		expect(workflow.pinData).toEqual({});
		for (const node of workflow.nodes) expect(node.credentials).toBeUndefined();
	});

	test('has its notes beside the nodes, not upon them', () => {
		const top = Math.min(...steps.map(({ position }) => position[1]));
		for (const { type, position, parameters } of workflow.nodes) {
			if (type !== STICKY) continue;
			expect(position[1] + Number(parameters.height)).toBeLessThan(top);
		}
	});

	test('connects nodes that are there, each of them to another', () => {
		const names = steps.map(({ name }) => name);
		const ends = Object.values(workflow.connections).flatMap((byType) =>
			Object.values(byType).flatMap((outputs) => outputs.flatMap((output) => output ?? [])),
		);
		const mentioned = [...Object.keys(workflow.connections), ...ends.map(({ node }) => node)];
		expect([...new Set(mentioned)].sort()).toEqual([...names].sort());
		expect(new Set(workflow.nodes.map(({ id }) => id)).size).toBe(workflow.nodes.length);
	});

	test('names in its expressions only nodes that are there', () => {
		const names = steps.map(({ name }) => name);
		const named = JSON.stringify(steps).matchAll(/\$\('([^']+)'\)/g);
		for (const [, name] of named) expect(names).toContain(name);
	});

	test('gives the nodes of this package only parameters that they have and show', () => {
		const own = steps.filter(({ type }) => type.startsWith(OWN));
		expect(own.flatMap(problemsOf)).toEqual([]);
	});

	(isAtHand ? test : test.skip)("passes n8n's own check of parameters, node by node", () => {
		expect(steps.flatMap(problemsOf)).toEqual([]);
	});
});

test('Every workflow in examples/ is one that npm start imports', () => {
	expect(
		Object.values(examples)
			.map((example) => example.file)
			.sort(),
	).toEqual(files.sort());
});

test('The README lists every workflow in examples/', () => {
	const readme = readFileSync('README.md', 'utf8');
	for (const file of files) expect(readme).toContain(`(examples/${file})`);
});
