import { NodeConnectionTypes } from 'n8n-workflow';
import type {
	IExecuteFunctions,
	INodeExecutionData,
	INodeType,
	INodeTypeDescription,
	IWebhookFunctions,
	IWebhookResponseData,
} from 'n8n-workflow';
import { credentials } from '../shared/providers/credentials';
import { labelExpression } from '../shared/providers/nodeProperties';
import { properties, resumeWebhooks, staticHints } from './properties';

export class KlingV2vGenerate implements INodeType {
	description: INodeTypeDescription = {
		displayName: 'Kling V2V Generate',
		name: 'klingV2vGenerate',
		icon: { light: 'file:../../icons/kling.svg', dark: 'file:../../icons/kling.dark.svg' },
		group: ['transform'],
		// For nodes of version 1, n8n evaluates an expression of its own at each callback.
		version: [1, 1.1],
		defaultVersion: 1.1,
		subtitle: `={{ ${labelExpression} }}: {{ $parameter["mode"] === "pro" ? "Pro" : "Standard" }}`,
		description: 'Make an AI video from a reference video with Kling 3 Omni',
		defaults: { name: 'Kling V2V Generate' },
		usableAsTool: true,
		inputs: [NodeConnectionTypes.Main],
		outputs: [NodeConnectionTypes.Main],
		credentials,
		waitingNodeTooltip:
			'The execution sleeps without a worker. It looks at the tasks from time to time, and at once when the provider calls back.',
		webhooks: resumeWebhooks,
		hints: staticHints,
		// Of the request that Validate Only shows: whoever knows it can start what listens there.
		sensitiveOutputFields: ['request.body.webhook_url'],
		builderHint: {
			searchHint:
				'Makes an AI video from a reference video (video to video) with Kling 3 Omni. Put the reference video as a public URL or a binary field, and mention it as @Video1 in the prompt. It waits for the video by default and outputs it as binary data; each item costs money.',
			relatedNodes: [
				{
					nodeType: 'n8n-nodes-kling-v2v.klingTaskStatus',
					relationHint:
						'Looks up, waits for or downloads a task that Generate has only submitted, or that timed out',
				},
				{
					nodeType: 'n8n-nodes-kling-v2v.klingV2vTrigger',
					relationHint: 'Starts a workflow when a submitted task has finished',
				},
			],
		},
		properties,
	};

	// The code is loaded at the first run: n8n loads the description of every node at its start.

	/** Called through the resume URL of a sleeping execution. */
	async webhook(this: IWebhookFunctions): Promise<IWebhookResponseData> {
		const { resume } = await import('../shared/wait/resume');
		return await resume(this);
	}

	async execute(this: IExecuteFunctions): Promise<INodeExecutionData[][]> {
		const { execute } = await import('./execute');
		return [await execute(this)];
	}
}
