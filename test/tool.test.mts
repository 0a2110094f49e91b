import { createRequire } from 'node:module';
import { beforeAll, describe, expect, test } from '@jest/globals';
import { ExecutionLifecycleHooks, SupplyDataContext } from 'n8n-core';
import type {
	IDataObject,
	INode,
	INodeParameters,
	IWorkflowExecuteAdditionalData,
} from 'n8n-workflow';
import { createRunExecutionData, NodeConnectionTypes, Workflow } from 'n8n-workflow';
import {
	Credentials,
	descriptionOf,
	GENERATE,
	node,
	nodeTypes,
	withCredentials,
} from './engine/engine.mts';
import { hurry } from './engine/haste.mts';
import { useBench } from './engine/setup.mts';

/** n8n-core's own way of calling a node for an AI agent. */
const { makeHandleToolInvocation } = createRequire(require.resolve('n8n-core'))(
	'./execution-engine/node-execution-context/utils/get-input-connection-data.js',
) as {
	makeHandleToolInvocation(
		context: (runIndex: number) => SupplyDataContext,
		node: INode,
		nodeType: unknown,
		data: unknown,
	): (toolArguments: IDataObject) => Promise<string>;
};

const bench = useBench();
beforeAll(hurry);

/** The tool as an agent has it: each call is another run of the node, and so is each try. */
function toolOf(parameters: INodeParameters, settings: Partial<INode> = {}) {
	const nodes = [
		withCredentials(
			node(
				'Make Video',
				GENERATE,
				{
					prompt: '={{ $fromAI("prompt") }}',
					videoUrl: bench.emulator.referenceUrl,
					completion: 'submitOnly',
					...parameters,
				},
				settings,
			),
			bench.credentials,
		),
	];
	const workflow = new Workflow({
		id: 'workflow',
		nodes,
		connections: {},
		active: false,
		nodeTypes: nodeTypes as never,
	});
	const data = createRunExecutionData({});
	const additionalData = {
		credentialsHelper: new Credentials(bench.credentials),
		hooks: new ExecutionLifecycleHooks('trigger', 'e1', workflow as never),
		executionId: 'e1',
		currentNodeExecutionIndex: 0,
		webhookWaitingBaseUrl: 'http://127.0.0.1/webhook-waiting',
		formWaitingBaseUrl: 'http://127.0.0.1/form-waiting',
		variables: {},
	} as unknown as IWorkflowExecuteAdditionalData;
	const tool = workflow.getNode('Make Video') as INode;
	const context = (runIndex: number) =>
		new SupplyDataContext(
			workflow,
			tool,
			additionalData,
			'trigger',
			data,
			runIndex,
			[],
			{},
			NodeConnectionTypes.AiTool,
			{ node: tool, data: {}, source: null },
			[],
		);
	const invoke = makeHandleToolInvocation(context, tool, nodeTypes.getByName(GENERATE), data);
	return async (prompt: string) => JSON.parse(await invoke({ prompt })) as IDataObject[];
}

async function billed(): Promise<number> {
	return (await bench.emulator.state()).billed.total;
}

describe('as the tool of an AI agent', () => {
	test('the task ID comes back at once by default, and nobody waits for a callback', () => {
		const completions = descriptionOf(GENERATE).properties.filter(
			({ name }) => name === 'completion',
		);
		const ofTool = completions.filter(({ displayOptions }) =>
			displayOptions?.show?.['@tool']?.includes(true),
		);
		expect(ofTool.map((property) => property.default)).toEqual(['submitOnly']);
		expect(JSON.stringify(ofTool)).not.toContain('callback');
	});

	test('the agent reads the task ID, and a sentence that says what to do next', async () => {
		const [answer] = await toolOf({})('@Video1 as a cartoon');
		const [{ taskId, body }] = (await bench.emulator.state()).tasks;
		expect(body.prompt).toBe('@Video1 as a cartoon');
		expect(answer).toMatchObject({ taskId, provider: 'magnific', status: 'pending' });
		expect(answer.message).toContain(`Kling task ${taskId}`);
		expect(answer.message).toContain('do not create it again');
	});

	test('waiting for a callback is refused before anything is paid', async () => {
		const make = toolOf({ completion: 'callback' });
		await expect(make('@Video1')).rejects.toThrow('An AI agent cannot wait for a callback');
		expect(await billed()).toBe(0);
	});

	test('a further try after an error does not pay again, though n8n counts it as another run', async () => {
		await bench.emulator.fault({
			match: { action: 'status' },
			times: 5,
			fault: { kind: 'status', status: 401 },
		});
		const make = toolOf(
			{ completion: 'poll' },
			{ retryOnFail: true, maxTries: 3, waitBetweenTries: 1 },
		);
		const [answer] = await make('@Video1');
		expect(answer.status).toBe('completed');
		expect(await billed()).toBe(1);
	});

	test('a lost answer is not asked for again, neither by a try nor by the agent', async () => {
		await bench.emulator.fault({
			match: { action: 'create' },
			fault: { kind: 'reset', makeTask: true },
		});
		const make = toolOf({}, { retryOnFail: true, maxTries: 2, waitBetweenTries: 1 });
		await expect(make('@Video1')).rejects.toThrow('may have created a task that is billed');
		await expect(make('@Video1')).rejects.toThrow('may have created a task that is billed');
		expect(await billed()).toBe(1);
	});

	test('two videos that the agent asks for are two, also when they are alike', async () => {
		const make = toolOf({});
		const answers = [await make('@Video1'), await make('@Video1'), await make('@Video1, but blue')];
		expect(new Set(answers.map(([{ taskId }]) => taskId)).size).toBe(3);
		expect(await billed()).toBe(3);
	});

	test('calls at the same time do not touch each other', async () => {
		const make = toolOf({ completion: 'poll' });
		const answers = await Promise.all([make('@Video1 a'), make('@Video1 b'), make('@Video1 c')]);
		expect(new Set(answers.map(([{ taskId }]) => taskId)).size).toBe(3);
		expect(await billed()).toBe(3);
	});
});
