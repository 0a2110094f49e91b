import { NodeConnectionTypes, NodeOperationError } from 'n8n-workflow';
import type {
	IExecuteFunctions,
	IHookFunctions,
	INodeExecutionData,
	INodeType,
	INodeTypeDescription,
	IWebhookFunctions,
	IWebhookResponseData,
} from 'n8n-workflow';
import { allProviders } from '../shared/providers';
import { credentials } from '../shared/providers/credentials';
import { labelExpression } from '../shared/providers/nodeProperties';
import { properties } from './properties';

export class KlingV2vTrigger implements INodeType {
	description: INodeTypeDescription = {
		displayName: 'Kling V2V Trigger',
		name: 'klingV2vTrigger',
		icon: { light: 'file:../../icons/kling.svg', dark: 'file:../../icons/kling.dark.svg' },
		group: ['trigger'],
		// Only for nodes of version 1, n8n can be told to leave the body unread: see unreadBody.
		version: 1,
		subtitle: `={{ ${labelExpression} }}: {{ $parameter["events"].map((event) => event[0].toUpperCase() + event.slice(1)).join(", ") }}`,
		description: 'Start a workflow when a Kling video is finished or has failed',
		eventTriggerDescription: 'Waiting for the provider to report a task',
		activationMessage:
			'Callbacks for the chosen events now start this workflow, if the provider can reach the Production URL and they pass the Authentication.',
		triggerPanel: {
			header: '',
			executionsHelp: {
				inactive:
					'<b>While you build:</b> click the button, then create a task that calls the Test URL when it changes. What comes shows up here.<br /><br /><b>For daily work:</b> publish the workflow, and give the provider the Production URL. Those executions are in the list of executions, not here.',
				active:
					'<b>While you build:</b> click the button, then create a task that calls the Test URL when it changes. What comes shows up here.<br /><br /><b>In daily work:</b> callbacks to the Production URL start this workflow. Those executions are in the <a data-key="executions">list of executions</a>, not here.',
			},
			activationHint:
				'Publish the workflow, and give the provider the Production URL: callbacks then start it without this button.',
		},
		defaults: { name: 'Kling V2V Trigger' },
		inputs: [],
		outputs: [NodeConnectionTypes.Main],
		credentials,
		webhooks: [
			{
				name: 'default',
				httpMethod: 'POST',
				responseMode: 'onReceived',
				// Left out, n8n answers with the text "firstEntryJson".
				responseData: 'noData',
				path: 'webhook',
			},
		],
		builderHint: {
			searchHint: `Starts a workflow when a Kling video task is finished or has failed, from a callback that it verifies. Its URL goes into ${allProviders.map(({ trigger }) => trigger.urlGoesInto).join(' or into ')}.`,
			relatedNodes: [
				{
					nodeType: 'n8n-nodes-kling-v2v.klingV2vGenerate',
					relationHint: 'Creates the tasks, with Return Task ID Immediately',
				},
			],
		},
		properties,
	};

	/** No provider lets a program register the URL: the user enters it. */
	webhookMethods = {
		default: {
			async checkExists(this: IHookFunctions): Promise<boolean> {
				const { activationProblem } = await import('./activate');
				const problem = await activationProblem(this);
				if (problem !== undefined) throw new NodeOperationError(this.getNode(), problem);
				return true;
			},
			async create(): Promise<boolean> {
				return true;
			},
			async delete(): Promise<boolean> {
				return true;
			},
		},
	};

	// n8n loads every node file when it starts; the code behind it is imported at the first call.

	/** Says which execution a callback starts; n8n answers the caller before that does its work. */
	async webhook(this: IWebhookFunctions): Promise<IWebhookResponseData> {
		const { answer } = await import('./webhook');
		return await answer(this);
	}

	/** Fetches the videos. */
	async execute(this: IExecuteFunctions): Promise<INodeExecutionData[][]> {
		const { bringVideos } = await import('./execute');
		return [await bringVideos(this)];
	}
}
