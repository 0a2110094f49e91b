import { createReadStream } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import {
	BinaryDataConfig,
	BinaryDataService,
	ExecutionLifecycleHooks,
	PackageDirectoryLoader,
	WorkflowExecute,
} from 'n8n-core';
import type {
	IBinaryData,
	ICredentialDataDecryptedObject,
	ICredentialType,
	IDataObject,
	IHttpRequestOptions,
	INode,
	INodeExecutionData,
	INodeType,
	INodeTypeDescription,
	IRun,
	IRunExecutionData,
	IWorkflowExecuteAdditionalData,
} from 'n8n-workflow';
import {
	createRunExecutionData,
	ICredentialsHelper,
	NodeConnectionTypes,
	NodeHelpers,
	Workflow,
} from 'n8n-workflow';
import { parse, stringify } from 'flatted';
import { inLine } from '../../dev/workflow.mjs';
import { agent } from './agent.mts';
import { keepMarks } from './marks.mts';

export { node } from '../../dev/workflow.mjs';

/** n8n-core's own engine around the built package: what runs here is what n8n runs. */

const fromCore = createRequire(require.resolve('n8n-core'));
const { Container } = fromCore('@n8n/di');
const { Logger } = fromCore('@n8n/backend-common');

const packageName = 'n8n-nodes-kling-v2v';

/** A node's class, from the built package. */
export const GENERATE = `${packageName}.klingV2vGenerate`;
export const STATUS = `${packageName}.klingTaskStatus`;
export const TRIGGER = `${packageName}.klingV2vTrigger`;

let loader: PackageDirectoryLoader;
let ready: Promise<void> | undefined;

/** A line that a node has logged. */
export interface LogLine {
	level: string;
	message: string;
	meta?: unknown;
}

/** Puts given items into a workflow; a real node, as n8n's own test triggers are. */
const source: INodeType = {
	description: {
		displayName: 'Source',
		name: 'source',
		group: ['trigger'],
		version: 1,
		description: 'Items for a test',
		defaults: { name: 'Source' },
		inputs: [NodeConnectionTypes.Main],
		outputs: [NodeConnectionTypes.Main],
		properties: [
			{ displayName: 'Items', name: 'items', type: 'json', default: '[]' },
			{ displayName: 'Files', name: 'files', type: 'json', default: '{}' },
		],
	},
	async execute() {
		const items = JSON.parse(this.getNodeParameter('items', 0) as string) as INodeExecutionData[];
		const files = JSON.parse(this.getNodeParameter('files', 0) as string) as Record<string, string>;
		for (const item of items) {
			for (const [field, file] of Object.entries(files)) {
				const data = await this.helpers.prepareBinaryData(createReadStream(file), file);
				item.binary = { ...item.binary, [field]: data };
			}
		}
		return [items];
	},
};

/** Sends its input round again, a given number of times. */
const again: INodeType = {
	description: {
		...source.description,
		displayName: 'Again',
		name: 'again',
		outputs: [NodeConnectionTypes.Main, NodeConnectionTypes.Main],
		properties: [{ displayName: 'Times', name: 'times', type: 'number', default: 1 }],
	},
	async execute() {
		const context = this.getContext('node') as { done?: number };
		context.done = (context.done ?? 0) + 1;
		const isDone = context.done >= (this.getNodeParameter('times', 0) as number);
		return isDone ? [[], this.getInputData()] : [this.getInputData(), []];
	},
};

/** Stands for n8n's Webhook node as the start of an execution. */
const webhook: INodeType = {
	description: {
		...source.description,
		displayName: 'Webhook',
		name: 'webhook',
		properties: [
			{
				displayName: 'Respond',
				name: 'responseMode',
				type: 'options',
				options: ['onReceived', 'lastNode', 'responseNode'].map((value) => ({
					name: value,
					value,
				})),
				default: 'onReceived',
			},
		],
	},
	async execute() {
		return [this.getInputData()];
	},
};

/** Stands for n8n's node that answers the caller of a Webhook node. */
const respond: INodeType = {
	description: { ...source.description, displayName: 'Respond', name: 'respond', properties: [] },
	async execute() {
		return [this.getInputData()];
	},
};

const testNodes: Record<string, INodeType> = {
	'test.source': source,
	'test.again': again,
	// Only its parameters count: how n8n answers who has called.
	'n8n-nodes-base.webhook': webhook,
	'n8n-nodes-base.respondToWebhook': respond,
	'test.agent': agent,
};

/** Puts a node of a test in the place of one that n8n has, for the file that asks for it. */
export function standIn(type: string, nodeType: INodeType): void {
	testNodes[type] = nodeType;
}

export const nodeTypes = {
	getByName: (name: string) => getNodeType(name),
	getByNameAndVersion: (name: string) => getNodeType(name),
	getKnownTypes: () => ({}),
};

function getNodeType(name: string): INodeType {
	if (testNodes[name]) return testNodes[name];
	// As a tool, n8n runs the same node under a name that it derives.
	const known = loader.nodeTypes[name.replace(`${packageName}.`, '').replace(/Tool$/, '')];
	if (!known) throw new Error(`no node ${name}`);
	return NodeHelpers.getVersionedNodeType(known.type);
}

/** What a node of the built package says of itself. */
export function descriptionOf(name: string): INodeTypeDescription {
	return getNodeType(name).description;
}

/** A credential type of the built package. */
export function credentialType(name: string): ICredentialType {
	return loader.credentialTypes[name].type;
}

/** n8n's way of handling credentials, without its database. */
export class Credentials extends ICredentialsHelper {
	constructor(private readonly data: Record<string, ICredentialDataDecryptedObject>) {
		super();
	}

	getParentTypes() {
		return [];
	}

	isCredentialUsableByNode() {
		return true;
	}

	async authenticate(
		credentials: ICredentialDataDecryptedObject,
		typeName: string,
		options: IHttpRequestOptions,
	): Promise<IHttpRequestOptions> {
		const { authenticate } = credentialType(typeName);
		// An expression would need the sandbox that the trigger has given back by then.
		if (typeof authenticate !== 'function') throw new Error(`${typeName} needs a sandbox`);
		return await authenticate(credentials, options);
	}

	async preAuthentication() {
		return undefined;
	}

	async runPreAuthentication() {
		return undefined;
	}

	async getCredentials(): Promise<never> {
		throw new Error('not used by nodes');
	}

	async getDecrypted(_data: unknown, _node: unknown, type: string) {
		return this.data[type];
	}

	async updateCredentials() {}

	async updateCredentialsOauthTokenData() {}

	getCredentialsProperties(type: string) {
		return credentialType(type).properties;
	}
}

let ids = 0;

export interface Result {
	run: IRun;
	/** What the last node put out, by output. */
	outputs: INodeExecutionData[][];
	/** The first output. */
	items: INodeExecutionData[];
	json: IDataObject[];
	error?: Error & { description?: string; context: IDataObject };
	hints: string[];
	log: LogLine[];
	/** Messages to whoever watches the editor. */
	messages: string[];
	milliseconds: number;
	/** How often the execution slept. */
	sleeps: number;
	/** What n8n would save of the execution, for a retry of it. */
	data: IRunExecutionData;
}

/** What one turn of the engine comes to. */
type Turn = Omit<Result, 'milliseconds' | 'sleeps'> & { executionId: string };

export interface RunOptions {
	/** Credential data by type. */
	credentials: Record<string, ICredentialDataDecryptedObject>;
	nodes: INode[];
	/** From the first node on, each feeds the next; or explicit connections. */
	connections?: Workflow['connectionsBySourceNode'];
	mode?: 'manual' | 'trigger' | 'retry' | 'webhook' | 'integrated' | 'chat';
	/** What the first node begins with, as a webhook hands it over; one empty item if left out. */
	start?: INodeExecutionData[][];
	executionId?: string;
	/** Presses Stop when it resolves. */
	stop?: Promise<unknown>;
	/** Leaves an execution that sleeps asleep; otherwise it is continued when it is due, as often as it takes. */
	leaveAsleep?: boolean;
	/** Goes on from what n8n has stored of a waiting execution. */
	resume?: IRunExecutionData;
	/** Where n8n can be called to resume it; the execution's id follows. */
	waitingUrl?: string;
	/** Goes on from what an earlier execution has saved, as Retry Execution does. */
	retryOf?: IRunExecutionData;
	/** By it n8n knows an execution and its retries; a new one if left out. */
	resumeToken?: string;
	/** The node whose output is asked for; the last one if left out. */
	watch?: string;
	/** What expressions read as `$vars`: a test may change it between two tries. */
	variables?: Record<string, string>;
}

/**
 * Loads the built package once, with a real binary store on disk.
 * @param root the folder of another build of it, for whoever asks first
 */
export async function loadPackage(root = process.cwd()): Promise<void> {
	ready ??= (async () => {
		loader = new PackageDirectoryLoader(root);
		await loader.loadAll();
		const config = binaryDataConfig();
		config.mode = 'filesystem';
		config.localStoragePath = path.join(process.env.N8N_USER_FOLDER as string, 'binary');
		await fileStore().init();
		await keepMarks();
	})();
	await ready;
}

/** How n8n keeps files, before its store is set up. */
export const binaryDataConfig = (): BinaryDataConfig => Container.get(BinaryDataConfig);

/** n8n's own store of files. */
export const fileStore = (): BinaryDataService => Container.get(BinaryDataService);

/** @returns the bytes of a stored file */
export async function stored(item: INodeExecutionData, field = 'data'): Promise<Buffer> {
	return await fileStore().getAsBuffer(item.binary?.[field] as IBinaryData);
}

/** Runs a workflow in n8n's engine until it ends, one way or another. */
export async function execute(options: RunOptions): Promise<Result> {
	const startedAt = Date.now();
	const first = await executeOnce(options);
	const log = [...first.log];
	const messages = [...first.messages];
	let result = first;
	let sleeps = 0;
	while (!options.leaveAsleep && result.data.waitTill) {
		sleeps++;
		const due = new Date(result.data.waitTill).getTime() - Date.now();
		await Promise.race([passed(due), options.stop ?? new Promise(() => {})]);
		// Stop ends a sleeping execution without asking the node.
		if (await isOver(options.stop)) break;
		// n8n's storage keeps shared references.
		const resume = parse(stringify(result.data)) as IRunExecutionData;
		result = await executeOnce({ ...options, executionId: first.executionId, resume });
		log.push(...result.log);
		messages.push(...result.messages);
	}
	const milliseconds = Date.now() - startedAt;
	return { ...result, log, messages, milliseconds, sleeps };
}

const passed = async (milliseconds: number) =>
	await new Promise((resolve) => setTimeout(resolve, Math.max(0, milliseconds)));

async function isOver(stop: Promise<unknown> | undefined): Promise<boolean> {
	return stop !== undefined && (await Promise.race([stop.then(() => true), passed(0)])) === true;
}

/** One turn of n8n's engine: to the end of the execution, or to its next sleep. */
async function executeOnce(options: RunOptions): Promise<Turn> {
	await loadPackage();
	const { nodes, credentials, mode = 'trigger', executionId = `execution-${++ids}` } = options;
	const workflow = new Workflow({
		id: 'workflow',
		name: 'Test',
		nodes: nodes.map((each) => withCredentials(each, credentials)),
		connections: options.connections ?? inLine(nodes),
		active: false,
		nodeTypes: nodeTypes as never,
		settings: { executionOrder: 'v1' },
	});
	const log: LogLine[] = [];
	const messages: string[] = [];
	listen(log);
	const additionalData = {
		credentialsHelper: new Credentials(credentials),
		hooks: new ExecutionLifecycleHooks(mode, executionId, workflow as never),
		executionId,
		currentNodeExecutionIndex: 0,
		restApiUrl: 'http://127.0.0.1/rest',
		instanceBaseUrl: 'http://127.0.0.1',
		webhookBaseUrl: 'http://127.0.0.1/webhook',
		webhookWaitingBaseUrl: options.waitingUrl ?? 'http://127.0.0.1/webhook-waiting',
		webhookTestBaseUrl: 'http://127.0.0.1/webhook-test',
		formWaitingBaseUrl: 'http://127.0.0.1/form-waiting',
		variables: options.variables ?? {},
		logAiEvent: () => {},
		sendDataToUI: (_type: string, data: { messages?: string[] }) => {
			messages.push(...(data.messages ?? []).map(String));
		},
	} as unknown as IWorkflowExecuteAdditionalData;

	const data =
		options.resume ??
		(options.retryOf ? forRetry(options.retryOf) : starting(workflow, nodes[0], options));
	let run: IRun;
	try {
		const running = new WorkflowExecute(additionalData, mode, data).processRunExecutionData(
			workflow,
		);
		void options.stop?.then(() => running.cancel());
		run = await running;
	} catch (error) {
		// A cancellation, or n8n's own check of required parameters; what it would save is in `data`.
		run = { data, mode, status: 'canceled', startedAt: new Date(), storedAt: 'db' } as never;
		run.data.resultData.error ??= error as never;
	}
	const last = options.watch ?? nodes[nodes.length - 1].name;
	const taskData = run.data.resultData.runData[last]?.at(-1);
	const outputs = (taskData?.data?.main ?? []).map((items) => items ?? []);
	const items = outputs[0] ?? [];
	return {
		run,
		outputs,
		items,
		json: items.map(({ json }) => json),
		error: (taskData?.error ?? run.data.resultData.error) as Result['error'],
		hints: (taskData?.hints ?? []).map(({ message }) => message),
		log,
		messages,
		data: run.data,
		executionId,
	};
}

/** A saved node names only the credentials that somebody has chosen for it. */
export function withCredentials(each: INode, credentials: RunOptions['credentials']): INode {
	const chosen = Object.keys(credentials).map((type) => [type, { id: type, name: type }]);
	return { ...structuredClone(each), credentials: Object.fromEntries(chosen) };
}

function starting(
	workflow: Workflow,
	first: INode,
	{ start: main = [[{ json: {} }]], resumeToken }: RunOptions,
): IRunExecutionData {
	return createRunExecutionData({
		...(resumeToken === undefined ? {} : { resumeToken }),
		executionData: {
			nodeExecutionStack: [
				{
					node: workflow.getNode(first.name) as INode,
					data: { main },
					source: null,
				},
			],
		},
	});
}

/** What "Retry execution" makes of a failed one: the same stack and context, the last result dropped. */
function forRetry(saved: IRunExecutionData): IRunExecutionData {
	const data = structuredClone(saved);
	delete data.resultData.error;
	const { lastNodeExecuted } = data.resultData;
	if (lastNodeExecuted) data.resultData.runData[lastNodeExecuted]?.pop();
	return data;
}

/** Nodes log through n8n's own logger; its lines are what a person finds after Stop. */
export function listen(log: LogLine[]): void {
	const logger = Container.get(Logger);
	for (const level of ['debug', 'info', 'warn', 'error'] as const) {
		logger[level] = (message: string, meta?: unknown) => {
			log.push({ level, message, meta });
		};
	}
}
