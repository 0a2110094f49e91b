/** The workflows that the tests run: called from outside as in production, one item for each of a list, through one node. */
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { askN8n } from '../../dev/server/session.mjs';
import type { Connections, WorkflowNode } from '../../dev/workflow.mjs';
import { node, webhook, workflow } from '../../dev/workflow.mjs';
import type { Stage } from './stage.mts';

export const GENERATE = 'Kling V2V Generate';
export const STATUS = 'Kling Task Status';
export const TRIGGER = 'Kling V2V Trigger';

export const GENERATE_TYPE = 'n8n-nodes-kling-v2v.klingV2vGenerate';
export const STATUS_TYPE = 'n8n-nodes-kling-v2v.klingTaskStatus';
const TRIGGER_TYPE = 'n8n-nodes-kling-v2v.klingV2vTrigger';

/** n8n says that a workflow is published some moments before it can be called. */
const LOOKS_FOR_WEBHOOK = 150;
const LOOK_MS = 200;

/** Parameters of a Generate node that waits in its process, and looks each second. */
export const AWAKE = { options: { whileWaiting: 'run', pollInterval: 1 } };

/** A published workflow, and the path by which it is called. */
export interface Callable {
	id: string;
	path: string;
}

export interface BatchOptions {
	/** Of the Generate node. */
	parameters?: object;
	/** Of the Generate node, such as its Retry On Fail. */
	settings?: object;
	/** Nodes that follow, one after the other. */
	then?: WorkflowNode[];
	/** Of the workflow, such as its error workflow. */
	workflow?: object;
}

/** The node that makes an item of each prompt of a call. */
export const prompts = (): WorkflowNode =>
	node('Prompts', 'splitOut', { fieldToSplitOut: 'body.prompts' });

/** A Generate node that makes a video of each item of `prompts`. */
export const generate = (
	{ credentials, emulator }: Stage,
	{ parameters, settings, name = GENERATE }: BatchOptions & { name?: string } = {},
): WorkflowNode =>
	node(
		name,
		GENERATE_TYPE,
		{
			provider: 'magnific',
			mode: 'std',
			prompt: "={{ $json['body.prompts'] }}",
			videoUrl: emulator.referenceUrl,
			completion: 'poll',
			options: {},
			...parameters,
		},
		{ typeVersion: 1.1, credentials, ...settings },
	);

/**
 * Publishes a workflow that begins when its path is called.
 * @param nodes follow the call, one after the other unless there are connections; these name the call "Call"
 * @param more `call`: parameters of the Webhook node
 */
export async function publish(
	{ instance }: Stage,
	nodes: WorkflowNode[],
	{ call, ...more }: { connections?: Connections; settings?: object; call?: object } = {},
): Promise<Callable> {
	const path = randomUUID();
	const all = [webhook('Call', path, { responseMode: 'onReceived', ...call }), ...nodes];
	const { id } = await instance.session.saveWorkflow(workflow(`Batch ${path}`, all, more));
	await instance.session.publish(id);
	return { id, path };
}

/** Publishes a workflow: a call with a list of prompts makes a video of each. */
export async function publishBatch(stage: Stage, options: BatchOptions = {}): Promise<Callable> {
	const { then = [], workflow: settings } = options;
	return await publish(stage, [prompts(), generate(stage, options), ...then], { settings });
}

/** The last node of a workflow: it shows what the nodes before it put out. */
export const END = node('End', 'noOp');

/** Publishes a workflow that makes videos of its parent's items. @returns it, and the parent that calls it */
export async function publishSubWorkflow(
	stage: Stage,
	parameters: object,
	waits: boolean,
): Promise<{ child: string; parent: Callable }> {
	const { session } = stage.instance;
	const settings = { typeVersion: 1.1 };
	const begin = node('Begin', 'executeWorkflowTrigger', { inputSource: 'passthrough' }, settings);
	const { id: child } = await session.saveWorkflow(
		workflow(`Child ${randomUUID()}`, [begin, generate(stage, { parameters })]),
	);
	await session.publishChild(child);
	const caller = node(
		'Make videos',
		'executeWorkflow',
		{
			workflowId: { __rl: true, mode: 'id', value: child },
			mode: 'once',
			options: { waitForSubWorkflow: waits },
		},
		{ typeVersion: 1.2 },
	);
	return { child, parent: await publish(stage, [prompts(), caller, END]) };
}

/** Publishes a workflow of the trigger alone. */
export async function publishTrigger(
	{ instance, credentials }: Stage,
	parameters: Record<string, unknown>,
): Promise<{ id: string; url: string }> {
	const webhookId = randomUUID();
	const trigger = node(TRIGGER, TRIGGER_TYPE, parameters, { credentials, webhookId });
	const { id } = await instance.session.saveWorkflow(workflow(`Trigger ${webhookId}`, [trigger]));
	await instance.session.publish(id);
	return { id, url: `${instance.webhookUrl}/${webhookId}/webhook` };
}

/** Calls a published workflow once. */
export async function post({ instance }: Stage, path: string, prompts: string[]) {
	const response = await askN8n(`${instance.webhookUrl}/${path}`, {
		method: 'POST',
		headers: { 'content-type': 'application/json' },
		body: JSON.stringify({ prompts }),
	});
	return { status: response.status, text: await response.text() };
}

/**
 * Calls a published workflow for the first time.
 * @returns the execution's id
 */
export async function call(
	stage: Stage,
	{ id, path }: Callable,
	prompts: string[],
): Promise<string> {
	let answer = await post(stage, path, prompts);
	for (let looks = 0; answer.status === 404 && looks < LOOKS_FOR_WEBHOOK; looks++) {
		await sleep(LOOK_MS);
		answer = await post(stage, path, prompts);
	}
	if (answer.status !== 200) {
		throw new Error(`The published workflow answered its call with ${JSON.stringify(answer)}`);
	}
	return await stage.instance.session.firstExecutionOf(id);
}
