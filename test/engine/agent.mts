import type {
	EngineRequest,
	EngineResponse,
	IDataObject,
	IExecuteFunctions,
	INodeExecutionData,
	INodeType,
	ITaskData,
} from 'n8n-workflow';
import { NodeConnectionTypes } from 'n8n-workflow';

/** What the agent remembers between its calls. */
interface Memory {
	answers: IDataObject[];
}

/**
 * Asks n8n's engine to run the tool that is connected to it, as n8n's AI Agent does: one call after the
 * other, and puts out what came of each.
 */
export const agent: INodeType = {
	description: {
		displayName: 'Agent',
		name: 'agent',
		group: ['transform'],
		version: 1,
		description: 'Calls for a test',
		defaults: { name: 'Agent' },
		inputs: [NodeConnectionTypes.Main, NodeConnectionTypes.AiTool],
		outputs: [NodeConnectionTypes.Main],
		properties: [
			{ displayName: 'Tool', name: 'tool', type: 'string', default: '' },
			{ displayName: 'Calls', name: 'calls', type: 'json', default: '[]' },
		],
	},
	async execute(
		this: IExecuteFunctions,
		response?: EngineResponse<Memory>,
	): Promise<INodeExecutionData[][] | EngineRequest<Memory>> {
		const calls = JSON.parse(this.getNodeParameter('calls', 0) as string) as IDataObject[];
		const told = (response?.actionResponses ?? []).map(({ data }) => answerOf(data));
		const answers = [...(response?.metadata.answers ?? []), ...told];
		const call = calls[answers.length];
		if (!call) return [answers.map((json) => ({ json }))];
		return {
			actions: [
				{
					actionType: 'ExecutionNodeAction',
					nodeName: this.getNodeParameter('tool', 0) as string,
					type: NodeConnectionTypes.AiTool,
					input: call,
					id: `call-${answers.length}`,
					metadata: { answers },
				},
			],
			metadata: { answers },
		};
	},
};

function answerOf({ data, error }: ITaskData): IDataObject {
	const [item] = data?.[NodeConnectionTypes.AiTool]?.[0] ?? [];
	return item?.json ?? { error: error?.message ?? 'no answer' };
}
