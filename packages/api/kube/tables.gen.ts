// Written by tools/kube-tables from k8s.io/api, apimachinery, client-go, apiextensions-apiserver, kube-aggregator and metrics
// (Apache License 2.0, The Kubernetes Authors; see NOTICE). Do not edit.

/**
 * The built-in kinds and their types, one line each; `parseTables` in tables.ts reads it and documents the columns.
 */
export const TABLES = `
kind -/v1 Binding core/v1.Binding
kind -/v1 ComponentStatus core/v1.ComponentStatus
kind -/v1 ConfigMap core/v1.ConfigMap
kind -/v1 Endpoints core/v1.Endpoints
kind -/v1 Event core/v1.Event
kind -/v1 LimitRange core/v1.LimitRange
kind -/v1 Namespace core/v1.Namespace
kind -/v1 Node core/v1.Node
kind -/v1 PersistentVolume core/v1.PersistentVolume
kind -/v1 PersistentVolumeClaim core/v1.PersistentVolumeClaim
kind -/v1 Pod core/v1.Pod
kind -/v1 PodStatusResult core/v1.PodStatusResult
kind -/v1 PodTemplate core/v1.PodTemplate
kind -/v1 RangeAllocation core/v1.RangeAllocation
kind -/v1 ReplicationController core/v1.ReplicationController
kind -/v1 ResourceQuota core/v1.ResourceQuota
kind -/v1 Secret core/v1.Secret
kind -/v1 SerializedReference core/v1.SerializedReference
kind -/v1 Service core/v1.Service
kind -/v1 ServiceAccount core/v1.ServiceAccount
kind apps/v1 ControllerRevision apps/v1.ControllerRevision
kind apps/v1 DaemonSet apps/v1.DaemonSet
kind apps/v1 Deployment apps/v1.Deployment
kind apps/v1 ReplicaSet apps/v1.ReplicaSet
kind apps/v1 StatefulSet apps/v1.StatefulSet
kind batch/v1 CronJob batch/v1.CronJob
kind batch/v1 Job batch/v1.Job
kind autoscaling/v2 HorizontalPodAutoscaler autoscaling/v2.HorizontalPodAutoscaler
kind autoscaling/v1 HorizontalPodAutoscaler autoscaling/v1.HorizontalPodAutoscaler
kind autoscaling/v1 Scale autoscaling/v1.Scale
kind policy/v1 Eviction policy/v1.Eviction
kind policy/v1 PodDisruptionBudget policy/v1.PodDisruptionBudget
kind networking.k8s.io/v1 IPAddress networking/v1.IPAddress
kind networking.k8s.io/v1 Ingress networking/v1.Ingress
kind networking.k8s.io/v1 IngressClass networking/v1.IngressClass
kind networking.k8s.io/v1 NetworkPolicy networking/v1.NetworkPolicy
kind networking.k8s.io/v1 ServiceCIDR networking/v1.ServiceCIDR
kind discovery.k8s.io/v1 EndpointSlice discovery/v1.EndpointSlice
kind coordination.k8s.io/v1 Lease coordination/v1.Lease
kind events.k8s.io/v1 Event events/v1.Event
kind rbac.authorization.k8s.io/v1 ClusterRole rbac/v1.ClusterRole
kind rbac.authorization.k8s.io/v1 ClusterRoleBinding rbac/v1.ClusterRoleBinding
kind rbac.authorization.k8s.io/v1 Role rbac/v1.Role
kind rbac.authorization.k8s.io/v1 RoleBinding rbac/v1.RoleBinding
kind authentication.k8s.io/v1 SelfSubjectReview authentication/v1.SelfSubjectReview
kind authentication.k8s.io/v1 TokenRequest authentication/v1.TokenRequest
kind authentication.k8s.io/v1 TokenReview authentication/v1.TokenReview
kind authorization.k8s.io/v1 LocalSubjectAccessReview authorization/v1.LocalSubjectAccessReview
kind authorization.k8s.io/v1 SelfSubjectAccessReview authorization/v1.SelfSubjectAccessReview
kind authorization.k8s.io/v1 SelfSubjectRulesReview authorization/v1.SelfSubjectRulesReview
kind authorization.k8s.io/v1 SubjectAccessReview authorization/v1.SubjectAccessReview
kind apiextensions.k8s.io/v1 ConversionReview apiextensions/v1.ConversionReview
kind apiextensions.k8s.io/v1 CustomResourceDefinition apiextensions/v1.CustomResourceDefinition
kind admissionregistration.k8s.io/v1 MutatingWebhookConfiguration admissionregistration/v1.MutatingWebhookConfiguration
kind admissionregistration.k8s.io/v1 ValidatingAdmissionPolicy admissionregistration/v1.ValidatingAdmissionPolicy
kind admissionregistration.k8s.io/v1 ValidatingAdmissionPolicyBinding admissionregistration/v1.ValidatingAdmissionPolicyBinding
kind admissionregistration.k8s.io/v1 ValidatingWebhookConfiguration admissionregistration/v1.ValidatingWebhookConfiguration
kind apiregistration.k8s.io/v1 APIService apiregistration/v1.APIService
kind storage.k8s.io/v1 CSIDriver storage/v1.CSIDriver
kind storage.k8s.io/v1 CSINode storage/v1.CSINode
kind storage.k8s.io/v1 CSIStorageCapacity storage/v1.CSIStorageCapacity
kind storage.k8s.io/v1 StorageClass storage/v1.StorageClass
kind storage.k8s.io/v1 VolumeAttachment storage/v1.VolumeAttachment
kind storage.k8s.io/v1 VolumeAttributesClass storage/v1.VolumeAttributesClass
kind scheduling.k8s.io/v1 PriorityClass scheduling/v1.PriorityClass
kind certificates.k8s.io/v1 CertificateSigningRequest certificates/v1.CertificateSigningRequest
kind node.k8s.io/v1 RuntimeClass node/v1.RuntimeClass
kind admission.k8s.io/v1 AdmissionReview admission/v1.AdmissionReview
kind metrics.k8s.io/v1beta1 NodeMetrics metrics/v1beta1.NodeMetrics
kind metrics.k8s.io/v1beta1 PodMetrics metrics/v1beta1.PodMetrics
kind meta.k8s.io/v1 DeleteOptions meta/v1.DeleteOptions
kind meta.k8s.io/v1 Status meta/v1.Status
kind meta.k8s.io/v1 ObjectMeta meta/v1.ObjectMeta
kind meta.k8s.io/v1 ListMeta meta/v1.ListMeta
kind meta.k8s.io/v1 LabelSelector meta/v1.LabelSelector
kind meta.k8s.io/v1 CreateOptions meta/v1.CreateOptions
kind meta.k8s.io/v1 UpdateOptions meta/v1.UpdateOptions
kind meta.k8s.io/v1 PatchOptions meta/v1.PatchOptions
kind meta.k8s.io/v1 PartialObjectMetadata meta/v1.PartialObjectMetadata
kind meta.k8s.io/v1 TypeMeta meta/v1.TypeMeta
enum admissionregistration/v1.FailurePolicyType Fail|Ignore
enum admissionregistration/v1.MatchPolicyType Equivalent|Exact
enum admissionregistration/v1.OperationType *|CONNECT|CREATE|DELETE|UPDATE
enum admissionregistration/v1.ReinvocationPolicyType IfNeeded|Never
enum admissionregistration/v1.ScopeType *|Cluster|Namespaced
enum admissionregistration/v1.SideEffectClass None|NoneOnDryRun|Some|Unknown
enum admissionregistration/v1.ValidationAction Audit|Deny|Warn
enum apiextensions/v1.FieldValueErrorReason FieldValueDuplicate|FieldValueForbidden|FieldValueInvalid|FieldValueRequired
enum apps/v1.DaemonSetUpdateStrategyType OnDelete|RollingUpdate
enum apps/v1.DeploymentStrategyType Recreate|RollingUpdate
enum apps/v1.PodManagementPolicyType OrderedReady|Parallel
enum apps/v1.StatefulSetUpdateStrategyType OnDelete|RollingUpdate
enum batch/v1.CompletionMode Indexed|NonIndexed
enum batch/v1.ConcurrencyPolicy Allow|Forbid|Replace
enum batch/v1.PodFailurePolicyAction Count|FailIndex|FailJob|Ignore
enum batch/v1.PodFailurePolicyOnExitCodesOperator In|NotIn
enum batch/v1.PodReplacementPolicy Failed|TerminatingOrFailed
enum certificates/v1.KeyUsage any|cert sign|client auth|code signing|content commitment|crl sign|data encipherment|decipher only|digital signature|email protection|encipher only|ipsec end system|ipsec tunnel|ipsec user|key agreement|key encipherment|microsoft sgc|netscape sgc|ocsp signing|s/mime|server auth|signing|timestamping
enum core/v1.AppArmorProfileType Localhost|RuntimeDefault|Unconfined
enum core/v1.AzureDataDiskCachingMode None|ReadOnly|ReadWrite
enum core/v1.AzureDataDiskKind Dedicated|Managed|Shared
enum core/v1.DNSPolicy ClusterFirst|ClusterFirstWithHostNet|Default|None
enum core/v1.HostPathType |BlockDevice|CharDevice|Directory|DirectoryOrCreate|File|FileOrCreate|Socket
enum core/v1.IPFamily |IPv4|IPv6
enum core/v1.IPFamilyPolicy PreferDualStack|RequireDualStack|SingleStack
enum core/v1.MountPropagationMode Bidirectional|HostToContainer|None
enum core/v1.NamespacePhase Active|Terminating
enum core/v1.NodeInclusionPolicy Honor|Ignore
enum core/v1.NodePhase Pending|Running|Terminated
enum core/v1.NodeSelectorOperator DoesNotExist|Exists|Gt|In|Lt|NotIn
enum core/v1.PersistentVolumeAccessMode ReadOnlyMany|ReadWriteMany|ReadWriteOnce|ReadWriteOncePod
enum core/v1.PersistentVolumeClaimModifyVolumeStatus InProgress|Infeasible|Pending
enum core/v1.PersistentVolumeClaimPhase Bound|Lost|Pending
enum core/v1.PersistentVolumeMode Block|Filesystem
enum core/v1.PersistentVolumePhase Available|Bound|Failed|Pending|Released
enum core/v1.PersistentVolumeReclaimPolicy Delete|Recycle|Retain
enum core/v1.PodFSGroupChangePolicy Always|OnRootMismatch
enum core/v1.PodPhase Failed|Pending|Running|Succeeded|Unknown
enum core/v1.PodQOSClass BestEffort|Burstable|Guaranteed
enum core/v1.PreemptionPolicy Never|PreemptLowerPriority
enum core/v1.ProcMountType Default|Unmasked
enum core/v1.Protocol SCTP|TCP|UDP
enum core/v1.PullPolicy Always|IfNotPresent|Never
enum core/v1.ResourceQuotaScope BestEffort|CrossNamespacePodAffinity|NotBestEffort|NotTerminating|PriorityClass|Terminating|VolumeAttributesClass
enum core/v1.RestartPolicy Always|Never|OnFailure
enum core/v1.ScopeSelectorOperator DoesNotExist|Exists|In|NotIn
enum core/v1.SeccompProfileType Localhost|RuntimeDefault|Unconfined
enum core/v1.ServiceAffinity ClientIP|None
enum core/v1.ServiceExternalTrafficPolicy Cluster|Local
enum core/v1.ServiceInternalTrafficPolicy Cluster|Local
enum core/v1.ServiceType ClusterIP|ExternalName|LoadBalancer|NodePort
enum core/v1.Signal SIGABRT|SIGALRM|SIGBUS|SIGCHLD|SIGCLD|SIGCONT|SIGFPE|SIGHUP|SIGILL|SIGINT|SIGIO|SIGIOT|SIGKILL|SIGPIPE|SIGPOLL|SIGPROF|SIGPWR|SIGQUIT|SIGRTMAX|SIGRTMAX-1|SIGRTMAX-10|SIGRTMAX-11|SIGRTMAX-12|SIGRTMAX-13|SIGRTMAX-14|SIGRTMAX-2|SIGRTMAX-3|SIGRTMAX-4|SIGRTMAX-5|SIGRTMAX-6|SIGRTMAX-7|SIGRTMAX-8|SIGRTMAX-9|SIGRTMIN|SIGRTMIN+1|SIGRTMIN+10|SIGRTMIN+11|SIGRTMIN+12|SIGRTMIN+13|SIGRTMIN+14|SIGRTMIN+15|SIGRTMIN+2|SIGRTMIN+3|SIGRTMIN+4|SIGRTMIN+5|SIGRTMIN+6|SIGRTMIN+7|SIGRTMIN+8|SIGRTMIN+9|SIGSEGV|SIGSTKFLT|SIGSTOP|SIGSYS|SIGTERM|SIGTRAP|SIGTSTP|SIGTTIN|SIGTTOU|SIGURG|SIGUSR1|SIGUSR2|SIGVTALRM|SIGWINCH|SIGXCPU|SIGXFSZ
enum core/v1.SupplementalGroupsPolicy Merge|Strict
enum core/v1.TaintEffect NoExecute|NoSchedule|PreferNoSchedule
enum core/v1.TerminationMessagePolicy FallbackToLogsOnError|File
enum core/v1.TolerationOperator Equal|Exists
enum core/v1.URIScheme HTTP|HTTPS
enum core/v1.UnsatisfiableConstraintAction DoNotSchedule|ScheduleAnyway
enum discovery/v1.AddressType FQDN|IPv4|IPv6
enum networking/v1.PathType Exact|ImplementationSpecific|Prefix
enum networking/v1.PolicyType Egress|Ingress
enum policy/v1.UnhealthyPodEvictionPolicyType AlwaysAllow|IfHealthyBudget
enum storage/v1.VolumeBindingMode Immediate|WaitForFirstConsumer
type admission/v1.AdmissionRequest
 uid 1 string~pkg/types.UID
 kind 2 meta/v1.GroupVersionKind
 resource 3 meta/v1.GroupVersionResource
 subResource 4 string ?
 requestKind 13 *meta/v1.GroupVersionKind ?
 requestResource 14 *meta/v1.GroupVersionResource ?
 requestSubResource 15 string ?
 name 5 string ?
 namespace 6 string ?
 operation 7 string~admission/v1.Operation
 userInfo 8 authentication/v1.UserInfo
 object 9 Raw ?
 oldObject 10 Raw ?
 dryRun 11 *bool ?
 options 12 Raw ?
type admission/v1.AdmissionResponse
 uid 1 string~pkg/types.UID
 allowed 2 bool
 status 3 *meta/v1.Status ?
 patch 4 bytes ?
 patchType 5 *string~admission/v1.PatchType ?
 auditAnnotations 6 {}string ?
 warnings 7 []string ?
type admission/v1.AdmissionReview
 kind 1 string ?
 apiVersion 2 string ?
 request 1 *admission/v1.AdmissionRequest ?
 response 2 *admission/v1.AdmissionResponse ?
type admissionregistration/v1.AuditAnnotation
 key 1 string
 valueExpression 2 string
type admissionregistration/v1.ExpressionWarning
 fieldRef 2 string
 warning 3 string
type admissionregistration/v1.MatchCondition
 name 1 string
 expression 2 string
type admissionregistration/v1.MatchResources atomic
 namespaceSelector 1 *meta/v1.LabelSelector ?
 objectSelector 2 *meta/v1.LabelSelector ?
 resourceRules 3 []admissionregistration/v1.NamedRuleWithOperations ?
 excludeResourceRules 4 []admissionregistration/v1.NamedRuleWithOperations ?
 matchPolicy 7 *string~admissionregistration/v1.MatchPolicyType ?
type admissionregistration/v1.MutatingWebhook
 name 1 string
 clientConfig 2 admissionregistration/v1.WebhookClientConfig
 rules 3 []admissionregistration/v1.RuleWithOperations ?
 failurePolicy 4 *string~admissionregistration/v1.FailurePolicyType ?
 matchPolicy 9 *string~admissionregistration/v1.MatchPolicyType ?
 namespaceSelector 5 *meta/v1.LabelSelector ?
 objectSelector 11 *meta/v1.LabelSelector ?
 sideEffects 6 *string~admissionregistration/v1.SideEffectClass
 timeoutSeconds 7 *i32 ?
 admissionReviewVersions 8 []string
 reinvocationPolicy 10 *string~admissionregistration/v1.ReinvocationPolicyType ?
 matchConditions 12 []admissionregistration/v1.MatchCondition ? k=name s=merge l=map,name
type admissionregistration/v1.MutatingWebhookConfiguration
 kind 1 string ?
 apiVersion 2 string ?
 metadata 1 meta/v1.ObjectMeta ? d={}
 webhooks 2 []admissionregistration/v1.MutatingWebhook ? k=name s=merge l=map,name
type admissionregistration/v1.NamedRuleWithOperations atomic
 resourceNames 1 []string ?
 operations 2.1 []string~admissionregistration/v1.OperationType ?
 apiGroups 2.2.1 []string ?
 apiVersions 2.2.2 []string ?
 resources 2.2.3 []string ?
 scope 2.2.4 *string~admissionregistration/v1.ScopeType ?
type admissionregistration/v1.ParamKind atomic
 apiVersion 1 string ?
 kind 2 string ?
type admissionregistration/v1.ParamRef atomic
 name 1 string ?
 namespace 2 string ?
 selector 3 *meta/v1.LabelSelector ?
 parameterNotFoundAction 4 *string~admissionregistration/v1.ParameterNotFoundActionType ?
type admissionregistration/v1.Rule
 apiGroups 1 []string ?
 apiVersions 2 []string ?
 resources 3 []string ?
 scope 4 *string~admissionregistration/v1.ScopeType ?
type admissionregistration/v1.RuleWithOperations
 operations 1 []string~admissionregistration/v1.OperationType ?
 apiGroups 2.1 []string ?
 apiVersions 2.2 []string ?
 resources 2.3 []string ?
 scope 2.4 *string~admissionregistration/v1.ScopeType ?
type admissionregistration/v1.ServiceReference
 namespace 1 string
 name 2 string
 path 3 *string ?
 port 4 *i32 ?
type admissionregistration/v1.TypeChecking
 expressionWarnings 1 []admissionregistration/v1.ExpressionWarning ?
type admissionregistration/v1.ValidatingAdmissionPolicy
 kind 1 string ?
 apiVersion 2 string ?
 metadata 1 meta/v1.ObjectMeta ? d={}
 spec 2 admissionregistration/v1.ValidatingAdmissionPolicySpec ? d={}
 status 3 admissionregistration/v1.ValidatingAdmissionPolicyStatus ? d={}
type admissionregistration/v1.ValidatingAdmissionPolicyBinding
 kind 1 string ?
 apiVersion 2 string ?
 metadata 1 meta/v1.ObjectMeta ? d={}
 spec 2 admissionregistration/v1.ValidatingAdmissionPolicyBindingSpec ? d={}
type admissionregistration/v1.ValidatingAdmissionPolicyBindingSpec
 policyName 1 string ?
 paramRef 2 *admissionregistration/v1.ParamRef ?
 matchResources 3 *admissionregistration/v1.MatchResources ?
 validationActions 4 []string~admissionregistration/v1.ValidationAction ? l=set
type admissionregistration/v1.ValidatingAdmissionPolicySpec
 paramKind 1 *admissionregistration/v1.ParamKind ?
 matchConstraints 2 *admissionregistration/v1.MatchResources ?
 validations 3 []admissionregistration/v1.Validation ?
 failurePolicy 4 *string~admissionregistration/v1.FailurePolicyType ?
 auditAnnotations 5 []admissionregistration/v1.AuditAnnotation ?
 matchConditions 6 []admissionregistration/v1.MatchCondition ? k=name s=merge l=map,name
 variables 7 []admissionregistration/v1.Variable ? k=name s=merge l=map,name
type admissionregistration/v1.ValidatingAdmissionPolicyStatus
 observedGeneration 1 i64 ?
 typeChecking 2 *admissionregistration/v1.TypeChecking ?
 conditions 3 []meta/v1.Condition ? l=map,type
type admissionregistration/v1.ValidatingWebhook
 name 1 string
 clientConfig 2 admissionregistration/v1.WebhookClientConfig
 rules 3 []admissionregistration/v1.RuleWithOperations ?
 failurePolicy 4 *string~admissionregistration/v1.FailurePolicyType ?
 matchPolicy 9 *string~admissionregistration/v1.MatchPolicyType ?
 namespaceSelector 5 *meta/v1.LabelSelector ?
 objectSelector 10 *meta/v1.LabelSelector ?
 sideEffects 6 *string~admissionregistration/v1.SideEffectClass
 timeoutSeconds 7 *i32 ?
 admissionReviewVersions 8 []string
 matchConditions 11 []admissionregistration/v1.MatchCondition ? k=name s=merge l=map,name
type admissionregistration/v1.ValidatingWebhookConfiguration
 kind 1 string ?
 apiVersion 2 string ?
 metadata 1 meta/v1.ObjectMeta ? d={}
 webhooks 2 []admissionregistration/v1.ValidatingWebhook ? k=name s=merge l=map,name
type admissionregistration/v1.Validation
 expression 1 string
 message 2 string ?
 reason 3 *string~meta/v1.StatusReason ?
 messageExpression 4 string ?
type admissionregistration/v1.Variable atomic
 name 1 string
 expression 2 string
type admissionregistration/v1.WebhookClientConfig
 url 3 *string ?
 service 1 *admissionregistration/v1.ServiceReference ?
 caBundle 2 bytes ?
type apiextensions/v1.ConversionRequest
 uid 1 string~pkg/types.UID
 desiredAPIVersion 2 string
 objects 3 []Raw
type apiextensions/v1.ConversionResponse
 uid 1 string~pkg/types.UID
 convertedObjects 2 []Raw
 result 3 meta/v1.Status
type apiextensions/v1.ConversionReview
 kind 1 string ?
 apiVersion 2 string ?
 request 1 *apiextensions/v1.ConversionRequest ?
 response 2 *apiextensions/v1.ConversionResponse ?
type apiextensions/v1.CustomResourceColumnDefinition
 name 1 string
 type 2 string
 format 3 string ?
 description 4 string ?
 priority 5 i32 ?
 jsonPath 6 string
type apiextensions/v1.CustomResourceConversion
 strategy 1 string~apiextensions/v1.ConversionStrategyType
 webhook 2 *apiextensions/v1.WebhookConversion ?
type apiextensions/v1.CustomResourceDefinition
 kind 1 string ?
 apiVersion 2 string ?
 metadata 1 meta/v1.ObjectMeta ? d={}
 spec 2 apiextensions/v1.CustomResourceDefinitionSpec
 status 3 apiextensions/v1.CustomResourceDefinitionStatus ? d={}
type apiextensions/v1.CustomResourceDefinitionCondition
 type 1 string~apiextensions/v1.CustomResourceDefinitionConditionType
 status 2 string~apiextensions/v1.ConditionStatus
 lastTransitionTime 3 Time ?
 reason 4 string ?
 message 5 string ?
type apiextensions/v1.CustomResourceDefinitionNames
 plural 1 string
 singular 2 string ?
 shortNames 3 []string ?
 kind 4 string
 listKind 5 string ?
 categories 6 []string ?
type apiextensions/v1.CustomResourceDefinitionSpec
 group 1 string
 names 3 apiextensions/v1.CustomResourceDefinitionNames
 scope 4 string~apiextensions/v1.ResourceScope
 versions 7 []apiextensions/v1.CustomResourceDefinitionVersion
 conversion 9 *apiextensions/v1.CustomResourceConversion ?
 preserveUnknownFields 10 bool ?
type apiextensions/v1.CustomResourceDefinitionStatus
 conditions 1 []apiextensions/v1.CustomResourceDefinitionCondition o l=map,type
 acceptedNames 2 apiextensions/v1.CustomResourceDefinitionNames o d={}
 storedVersions 3 []string o
type apiextensions/v1.CustomResourceDefinitionVersion
 name 1 string
 served 2 bool
 storage 3 bool
 deprecated 7 bool ?
 deprecationWarning 8 *string ?
 schema 4 *apiextensions/v1.CustomResourceValidation ?
 subresources 5 *apiextensions/v1.CustomResourceSubresources ?
 additionalPrinterColumns 6 []apiextensions/v1.CustomResourceColumnDefinition ?
 selectableFields 9 []apiextensions/v1.SelectableField ?
type apiextensions/v1.CustomResourceSubresourceScale
 specReplicasPath 1 string
 statusReplicasPath 2 string
 labelSelectorPath 3 *string ?
type apiextensions/v1.CustomResourceSubresourceStatus
type apiextensions/v1.CustomResourceSubresources
 status 1 *apiextensions/v1.CustomResourceSubresourceStatus ?
 scale 2 *apiextensions/v1.CustomResourceSubresourceScale ?
type apiextensions/v1.CustomResourceValidation
 openAPIV3Schema 1 *apiextensions/v1.JSONSchemaProps ?
type apiextensions/v1.ExternalDocumentation
 description 1 string ?
 url 2 string ?
type apiextensions/v1.JSONSchemaProps
 id 1 string ?
 $schema 2 string~apiextensions/v1.JSONSchemaURL ?
 $ref 3 *string ?
 description 4 string ?
 type 5 string ?
 format 6 string ?
 title 7 string ?
 default 8 *JSON ?
 maximum 9 *f64 ?
 exclusiveMaximum 10 bool ?
 minimum 11 *f64 ?
 exclusiveMinimum 12 bool ?
 maxLength 13 *i64 ?
 minLength 14 *i64 ?
 pattern 15 string ?
 maxItems 16 *i64 ?
 minItems 17 *i64 ?
 uniqueItems 18 bool ?
 multipleOf 19 *f64 ?
 enum 20 []JSON ?
 maxProperties 21 *i64 ?
 minProperties 22 *i64 ?
 required 23 []string ?
 items 24 *SchemaOrArray ?
 allOf 25 []apiextensions/v1.JSONSchemaProps ?
 oneOf 26 []apiextensions/v1.JSONSchemaProps ?
 anyOf 27 []apiextensions/v1.JSONSchemaProps ?
 not 28 *apiextensions/v1.JSONSchemaProps ?
 properties 29 {}apiextensions/v1.JSONSchemaProps ?
 additionalProperties 30 *SchemaOrBool ?
 patternProperties 31 {}apiextensions/v1.JSONSchemaProps ?
 dependencies 32 {}SchemaOrStrings ?
 additionalItems 33 *SchemaOrBool ?
 definitions 34 {}apiextensions/v1.JSONSchemaProps ?
 externalDocs 35 *apiextensions/v1.ExternalDocumentation ?
 example 36 *JSON ?
 nullable 37 bool ?
 x-kubernetes-preserve-unknown-fields 38 *bool ?
 x-kubernetes-embedded-resource 39 bool ?
 x-kubernetes-int-or-string 40 bool ?
 x-kubernetes-list-map-keys 41 []string ?
 x-kubernetes-list-type 42 *string ?
 x-kubernetes-map-type 43 *string ?
 x-kubernetes-validations 44 []apiextensions/v1.ValidationRule ? k=rule s=merge l=map,rule
type apiextensions/v1.SelectableField
 jsonPath 1 string
type apiextensions/v1.ServiceReference
 namespace 1 string
 name 2 string
 path 3 *string ?
 port 4 *i32 ?
type apiextensions/v1.ValidationRule
 rule 1 string
 message 2 string ?
 messageExpression 3 string ?
 reason 4 *string~apiextensions/v1.FieldValueErrorReason ?
 fieldPath 5 string ?
 optionalOldSelf 6 *bool ?
type apiextensions/v1.WebhookClientConfig
 url 3 *string ?
 service 1 *apiextensions/v1.ServiceReference ?
 caBundle 2 bytes ?
type apiextensions/v1.WebhookConversion
 clientConfig 2 *apiextensions/v1.WebhookClientConfig ?
 conversionReviewVersions 3 []string
type apiregistration/v1.APIService
 kind 1 string ?
 apiVersion 2 string ?
 metadata 1 meta/v1.ObjectMeta ? d={}
 spec 2 apiregistration/v1.APIServiceSpec ? d={}
 status 3 apiregistration/v1.APIServiceStatus ? d={}
type apiregistration/v1.APIServiceCondition
 type 1 string~apiregistration/v1.APIServiceConditionType
 status 2 string~apiregistration/v1.ConditionStatus
 lastTransitionTime 3 Time ?
 reason 4 string ?
 message 5 string ?
type apiregistration/v1.APIServiceSpec
 service 1 *apiregistration/v1.ServiceReference ?
 group 2 string ?
 version 3 string ?
 insecureSkipTLSVerify 4 bool ?
 caBundle 5 bytes ?
 groupPriorityMinimum 7 i32
 versionPriority 8 i32
type apiregistration/v1.APIServiceStatus
 conditions 1 []apiregistration/v1.APIServiceCondition ? k=type s=merge l=map,type
type apiregistration/v1.ServiceReference
 namespace 1 string ?
 name 2 string ?
 port 3 *i32 ?
type apps/v1.ControllerRevision
 kind 1 string ?
 apiVersion 2 string ?
 metadata 1 meta/v1.ObjectMeta ? d={}
 data 2 Raw ?
 revision 3 i64
type apps/v1.DaemonSet
 kind 1 string ?
 apiVersion 2 string ?
 metadata 1 meta/v1.ObjectMeta ? d={}
 spec 2 apps/v1.DaemonSetSpec ? d={}
 status 3 apps/v1.DaemonSetStatus ? d={}
type apps/v1.DaemonSetCondition
 type 1 string~apps/v1.DaemonSetConditionType
 status 2 string~core/v1.ConditionStatus
 lastTransitionTime 3 Time ?
 reason 4 string ?
 message 5 string ?
type apps/v1.DaemonSetSpec
 selector 1 *meta/v1.LabelSelector
 template 2 core/v1.PodTemplateSpec
 updateStrategy 3 apps/v1.DaemonSetUpdateStrategy ? d={}
 minReadySeconds 4 i32 ?
 revisionHistoryLimit 6 *i32 ?
type apps/v1.DaemonSetStatus
 currentNumberScheduled 1 i32
 numberMisscheduled 2 i32
 desiredNumberScheduled 3 i32
 numberReady 4 i32
 observedGeneration 5 i64 ?
 updatedNumberScheduled 6 i32 ?
 numberAvailable 7 i32 ?
 numberUnavailable 8 i32 ?
 collisionCount 9 *i32 ?
 conditions 10 []apps/v1.DaemonSetCondition ? k=type s=merge l=map,type
type apps/v1.DaemonSetUpdateStrategy
 type 1 string~apps/v1.DaemonSetUpdateStrategyType ?
 rollingUpdate 2 *apps/v1.RollingUpdateDaemonSet ?
type apps/v1.Deployment
 kind 1 string ?
 apiVersion 2 string ?
 metadata 1 meta/v1.ObjectMeta ? d={}
 spec 2 apps/v1.DeploymentSpec ? d={}
 status 3 apps/v1.DeploymentStatus ? d={}
type apps/v1.DeploymentCondition
 type 1 string~apps/v1.DeploymentConditionType
 status 2 string~core/v1.ConditionStatus
 lastUpdateTime 6 Time ?
 lastTransitionTime 7 Time ?
 reason 4 string ?
 message 5 string ?
type apps/v1.DeploymentSpec
 replicas 1 *i32 ?
 selector 2 *meta/v1.LabelSelector
 template 3 core/v1.PodTemplateSpec
 strategy 4 apps/v1.DeploymentStrategy ? s=retainKeys d={}
 minReadySeconds 5 i32 ?
 revisionHistoryLimit 6 *i32 ?
 paused 7 bool ?
 progressDeadlineSeconds 9 *i32 ?
type apps/v1.DeploymentStatus
 observedGeneration 1 i64 ?
 replicas 2 i32 ?
 updatedReplicas 3 i32 ?
 readyReplicas 7 i32 ?
 availableReplicas 4 i32 ?
 unavailableReplicas 5 i32 ?
 terminatingReplicas 9 *i32 ?
 conditions 6 []apps/v1.DeploymentCondition ? k=type s=merge l=map,type
 collisionCount 8 *i32 ?
type apps/v1.DeploymentStrategy
 type 1 string~apps/v1.DeploymentStrategyType ?
 rollingUpdate 2 *apps/v1.RollingUpdateDeployment ?
type apps/v1.ReplicaSet
 kind 1 string ?
 apiVersion 2 string ?
 metadata 1 meta/v1.ObjectMeta ? d={}
 spec 2 apps/v1.ReplicaSetSpec ? d={}
 status 3 apps/v1.ReplicaSetStatus ? d={}
type apps/v1.ReplicaSetCondition
 type 1 string~apps/v1.ReplicaSetConditionType
 status 2 string~core/v1.ConditionStatus
 lastTransitionTime 3 Time ?
 reason 4 string ?
 message 5 string ?
type apps/v1.ReplicaSetSpec
 replicas 1 *i32 ?
 minReadySeconds 4 i32 ?
 selector 2 *meta/v1.LabelSelector
 template 3 core/v1.PodTemplateSpec ? d={}
type apps/v1.ReplicaSetStatus
 replicas 1 i32
 fullyLabeledReplicas 2 i32 ?
 readyReplicas 4 i32 ?
 availableReplicas 5 i32 ?
 terminatingReplicas 7 *i32 ?
 observedGeneration 3 i64 ?
 conditions 6 []apps/v1.ReplicaSetCondition ? k=type s=merge l=map,type
type apps/v1.RollingUpdateDaemonSet
 maxUnavailable 1 *IntOrString ?
 maxSurge 2 *IntOrString ?
type apps/v1.RollingUpdateDeployment
 maxUnavailable 1 *IntOrString ?
 maxSurge 2 *IntOrString ?
type apps/v1.RollingUpdateStatefulSetStrategy
 partition 1 *i32 ?
 maxUnavailable 2 *IntOrString ?
type apps/v1.StatefulSet
 kind 1 string ?
 apiVersion 2 string ?
 metadata 1 meta/v1.ObjectMeta ? d={}
 spec 2 apps/v1.StatefulSetSpec ? d={}
 status 3 apps/v1.StatefulSetStatus ? d={}
type apps/v1.StatefulSetCondition
 type 1 string~apps/v1.StatefulSetConditionType
 status 2 string~core/v1.ConditionStatus
 lastTransitionTime 3 Time ?
 reason 4 string ?
 message 5 string ?
type apps/v1.StatefulSetOrdinals
 start 1 i32 o d=0
type apps/v1.StatefulSetPersistentVolumeClaimRetentionPolicy
 whenDeleted 1 string~apps/v1.PersistentVolumeClaimRetentionPolicyType ?
 whenScaled 2 string~apps/v1.PersistentVolumeClaimRetentionPolicyType ?
type apps/v1.StatefulSetSpec
 replicas 1 *i32 ?
 selector 2 *meta/v1.LabelSelector
 template 3 core/v1.PodTemplateSpec
 volumeClaimTemplates 4 []core/v1.PersistentVolumeClaim ?
 serviceName 5 string o d=""
 podManagementPolicy 6 string~apps/v1.PodManagementPolicyType ?
 updateStrategy 7 apps/v1.StatefulSetUpdateStrategy ? d={}
 revisionHistoryLimit 8 *i32 ?
 minReadySeconds 9 i32 ?
 persistentVolumeClaimRetentionPolicy 10 *apps/v1.StatefulSetPersistentVolumeClaimRetentionPolicy ?
 ordinals 11 *apps/v1.StatefulSetOrdinals ?
type apps/v1.StatefulSetStatus
 observedGeneration 1 i64 ?
 replicas 2 i32
 readyReplicas 3 i32 ?
 currentReplicas 4 i32 ?
 updatedReplicas 5 i32 ?
 currentRevision 6 string ?
 updateRevision 7 string ?
 collisionCount 9 *i32 ?
 conditions 10 []apps/v1.StatefulSetCondition ? k=type s=merge l=map,type
 availableReplicas 11 i32 o d=0
type apps/v1.StatefulSetUpdateStrategy
 type 1 string~apps/v1.StatefulSetUpdateStrategyType ?
 rollingUpdate 2 *apps/v1.RollingUpdateStatefulSetStrategy ?
type authentication/v1.BoundObjectReference
 kind 1 string ?
 apiVersion 2 string ?
 name 3 string ?
 uid 4 string~pkg/types.UID ?
type authentication/v1.SelfSubjectReview
 kind 1 string ?
 apiVersion 2 string ?
 metadata 1 meta/v1.ObjectMeta ?
 status 2 authentication/v1.SelfSubjectReviewStatus ?
type authentication/v1.SelfSubjectReviewStatus
 userInfo 1 authentication/v1.UserInfo ?
type authentication/v1.TokenRequest
 kind 1 string ?
 apiVersion 2 string ?
 metadata 1 meta/v1.ObjectMeta ?
 spec 2 authentication/v1.TokenRequestSpec
 status 3 authentication/v1.TokenRequestStatus ?
type authentication/v1.TokenRequestSpec
 audiences 1 []string
 expirationSeconds 4 *i64 o
 boundObjectRef 3 *authentication/v1.BoundObjectReference o
type authentication/v1.TokenRequestStatus
 token 1 string
 expirationTimestamp 2 Time
type authentication/v1.TokenReview
 kind 1 string ?
 apiVersion 2 string ?
 metadata 1 meta/v1.ObjectMeta ?
 spec 2 authentication/v1.TokenReviewSpec
 status 3 authentication/v1.TokenReviewStatus ?
type authentication/v1.TokenReviewSpec
 token 1 string ?
 audiences 2 []string ?
type authentication/v1.TokenReviewStatus
 authenticated 1 bool ?
 user 2 authentication/v1.UserInfo ?
 audiences 4 []string ?
 error 3 string ?
type authentication/v1.UserInfo
 username 1 string ?
 uid 2 string ?
 groups 3 []string ?
 extra 4 {}Strings ?
type authorization/v1.FieldSelectorAttributes
 rawSelector 1 string ?
 requirements 2 []meta/v1.FieldSelectorRequirement ?
type authorization/v1.LabelSelectorAttributes
 rawSelector 1 string ?
 requirements 2 []meta/v1.LabelSelectorRequirement ?
type authorization/v1.LocalSubjectAccessReview
 kind 1 string ?
 apiVersion 2 string ?
 metadata 1 meta/v1.ObjectMeta ?
 spec 2 authorization/v1.SubjectAccessReviewSpec
 status 3 authorization/v1.SubjectAccessReviewStatus ?
type authorization/v1.NonResourceAttributes
 path 1 string ?
 verb 2 string ?
type authorization/v1.NonResourceRule
 verbs 1 []string
 nonResourceURLs 2 []string ?
type authorization/v1.ResourceAttributes
 namespace 1 string ?
 verb 2 string ?
 group 3 string ?
 version 4 string ?
 resource 5 string ?
 subresource 6 string ?
 name 7 string ?
 fieldSelector 8 *authorization/v1.FieldSelectorAttributes ?
 labelSelector 9 *authorization/v1.LabelSelectorAttributes ?
type authorization/v1.ResourceRule
 verbs 1 []string
 apiGroups 2 []string ?
 resources 3 []string ?
 resourceNames 4 []string ?
type authorization/v1.SelfSubjectAccessReview
 kind 1 string ?
 apiVersion 2 string ?
 metadata 1 meta/v1.ObjectMeta ?
 spec 2 authorization/v1.SelfSubjectAccessReviewSpec
 status 3 authorization/v1.SubjectAccessReviewStatus ?
type authorization/v1.SelfSubjectAccessReviewSpec
 resourceAttributes 1 *authorization/v1.ResourceAttributes ?
 nonResourceAttributes 2 *authorization/v1.NonResourceAttributes ?
type authorization/v1.SelfSubjectRulesReview
 kind 1 string ?
 apiVersion 2 string ?
 metadata 1 meta/v1.ObjectMeta ?
 spec 2 authorization/v1.SelfSubjectRulesReviewSpec
 status 3 authorization/v1.SubjectRulesReviewStatus ?
type authorization/v1.SelfSubjectRulesReviewSpec
 namespace 1 string ?
type authorization/v1.SubjectAccessReview
 kind 1 string ?
 apiVersion 2 string ?
 metadata 1 meta/v1.ObjectMeta ?
 spec 2 authorization/v1.SubjectAccessReviewSpec
 status 3 authorization/v1.SubjectAccessReviewStatus ?
type authorization/v1.SubjectAccessReviewSpec
 resourceAttributes 1 *authorization/v1.ResourceAttributes ?
 nonResourceAttributes 2 *authorization/v1.NonResourceAttributes ?
 user 3 string ?
 groups 4 []string ?
 extra 5 {}Strings ?
 uid 6 string ?
type authorization/v1.SubjectAccessReviewStatus
 allowed 1 bool
 denied 4 bool ?
 reason 2 string ?
 evaluationError 3 string ?
type authorization/v1.SubjectRulesReviewStatus
 resourceRules 1 []authorization/v1.ResourceRule
 nonResourceRules 2 []authorization/v1.NonResourceRule
 incomplete 3 bool
 evaluationError 4 string ?
type autoscaling/v1.CrossVersionObjectReference atomic
 kind 1 string
 name 2 string
 apiVersion 3 string ?
type autoscaling/v1.HorizontalPodAutoscaler
 kind 1 string ?
 apiVersion 2 string ?
 metadata 1 meta/v1.ObjectMeta ? d={}
 spec 2 autoscaling/v1.HorizontalPodAutoscalerSpec ? d={}
 status 3 autoscaling/v1.HorizontalPodAutoscalerStatus ? d={}
type autoscaling/v1.HorizontalPodAutoscalerSpec
 scaleTargetRef 1 autoscaling/v1.CrossVersionObjectReference
 minReplicas 2 *i32 ?
 maxReplicas 3 i32
 targetCPUUtilizationPercentage 4 *i32 ?
type autoscaling/v1.HorizontalPodAutoscalerStatus
 observedGeneration 1 *i64 ?
 lastScaleTime 2 *Time ?
 currentReplicas 3 i32
 desiredReplicas 4 i32
 currentCPUUtilizationPercentage 5 *i32 ?
type autoscaling/v1.Scale
 kind 1 string ?
 apiVersion 2 string ?
 metadata 1 meta/v1.ObjectMeta ?
 spec 2 autoscaling/v1.ScaleSpec ?
 status 3 autoscaling/v1.ScaleStatus ?
type autoscaling/v1.ScaleSpec
 replicas 1 i32 ?
type autoscaling/v1.ScaleStatus
 replicas 1 i32
 selector 2 string ?
type autoscaling/v2.ContainerResourceMetricSource
 name 1 string~core/v1.ResourceName
 target 2 autoscaling/v2.MetricTarget
 container 3 string
type autoscaling/v2.ContainerResourceMetricStatus
 name 1 string~core/v1.ResourceName
 current 2 autoscaling/v2.MetricValueStatus
 container 3 string
type autoscaling/v2.CrossVersionObjectReference
 kind 1 string
 name 2 string
 apiVersion 3 string ?
type autoscaling/v2.ExternalMetricSource
 metric 1 autoscaling/v2.MetricIdentifier
 target 2 autoscaling/v2.MetricTarget
type autoscaling/v2.ExternalMetricStatus
 metric 1 autoscaling/v2.MetricIdentifier
 current 2 autoscaling/v2.MetricValueStatus
type autoscaling/v2.HPAScalingPolicy
 type 1 string~autoscaling/v2.HPAScalingPolicyType
 value 2 i32
 periodSeconds 3 i32
type autoscaling/v2.HPAScalingRules
 stabilizationWindowSeconds 3 *i32 ?
 selectPolicy 1 *string~autoscaling/v2.ScalingPolicySelect ?
 policies 2 []autoscaling/v2.HPAScalingPolicy ?
 tolerance 4 *Quantity ?
type autoscaling/v2.HorizontalPodAutoscaler
 kind 1 string ?
 apiVersion 2 string ?
 metadata 1 meta/v1.ObjectMeta ? d={}
 spec 2 autoscaling/v2.HorizontalPodAutoscalerSpec ? d={}
 status 3 autoscaling/v2.HorizontalPodAutoscalerStatus ? d={}
type autoscaling/v2.HorizontalPodAutoscalerBehavior
 scaleUp 1 *autoscaling/v2.HPAScalingRules ?
 scaleDown 2 *autoscaling/v2.HPAScalingRules ?
type autoscaling/v2.HorizontalPodAutoscalerCondition
 type 1 string~autoscaling/v2.HorizontalPodAutoscalerConditionType
 status 2 string~core/v1.ConditionStatus
 lastTransitionTime 3 Time ?
 reason 4 string ?
 message 5 string ?
type autoscaling/v2.HorizontalPodAutoscalerSpec
 scaleTargetRef 1 autoscaling/v2.CrossVersionObjectReference
 minReplicas 2 *i32 ?
 maxReplicas 3 i32
 metrics 4 []autoscaling/v2.MetricSpec ?
 behavior 5 *autoscaling/v2.HorizontalPodAutoscalerBehavior ?
type autoscaling/v2.HorizontalPodAutoscalerStatus
 observedGeneration 1 *i64 ?
 lastScaleTime 2 *Time ?
 currentReplicas 3 i32 ?
 desiredReplicas 4 i32
 currentMetrics 5 []autoscaling/v2.MetricStatus o
 conditions 6 []autoscaling/v2.HorizontalPodAutoscalerCondition ? k=type s=merge l=map,type
type autoscaling/v2.MetricIdentifier
 name 1 string
 selector 2 *meta/v1.LabelSelector ?
type autoscaling/v2.MetricSpec
 type 1 string~autoscaling/v2.MetricSourceType
 object 2 *autoscaling/v2.ObjectMetricSource ?
 pods 3 *autoscaling/v2.PodsMetricSource ?
 resource 4 *autoscaling/v2.ResourceMetricSource ?
 containerResource 7 *autoscaling/v2.ContainerResourceMetricSource ?
 external 5 *autoscaling/v2.ExternalMetricSource ?
type autoscaling/v2.MetricStatus
 type 1 string~autoscaling/v2.MetricSourceType
 object 2 *autoscaling/v2.ObjectMetricStatus ?
 pods 3 *autoscaling/v2.PodsMetricStatus ?
 resource 4 *autoscaling/v2.ResourceMetricStatus ?
 containerResource 7 *autoscaling/v2.ContainerResourceMetricStatus ?
 external 5 *autoscaling/v2.ExternalMetricStatus ?
type autoscaling/v2.MetricTarget
 type 1 string~autoscaling/v2.MetricTargetType
 value 2 *Quantity ?
 averageValue 3 *Quantity ?
 averageUtilization 4 *i32 ?
type autoscaling/v2.MetricValueStatus
 value 1 *Quantity ?
 averageValue 2 *Quantity ?
 averageUtilization 3 *i32 ?
type autoscaling/v2.ObjectMetricSource
 describedObject 1 autoscaling/v2.CrossVersionObjectReference
 target 2 autoscaling/v2.MetricTarget
 metric 3 autoscaling/v2.MetricIdentifier
type autoscaling/v2.ObjectMetricStatus
 metric 1 autoscaling/v2.MetricIdentifier
 current 2 autoscaling/v2.MetricValueStatus
 describedObject 3 autoscaling/v2.CrossVersionObjectReference
type autoscaling/v2.PodsMetricSource
 metric 1 autoscaling/v2.MetricIdentifier
 target 2 autoscaling/v2.MetricTarget
type autoscaling/v2.PodsMetricStatus
 metric 1 autoscaling/v2.MetricIdentifier
 current 2 autoscaling/v2.MetricValueStatus
type autoscaling/v2.ResourceMetricSource
 name 1 string~core/v1.ResourceName
 target 2 autoscaling/v2.MetricTarget
type autoscaling/v2.ResourceMetricStatus
 name 1 string~core/v1.ResourceName
 current 2 autoscaling/v2.MetricValueStatus
type batch/v1.CronJob
 kind 1 string ?
 apiVersion 2 string ?
 metadata 1 meta/v1.ObjectMeta ? d={}
 spec 2 batch/v1.CronJobSpec ? d={}
 status 3 batch/v1.CronJobStatus ? d={}
type batch/v1.CronJobSpec
 schedule 1 string
 timeZone 8 *string ?
 startingDeadlineSeconds 2 *i64 ?
 concurrencyPolicy 3 string~batch/v1.ConcurrencyPolicy ?
 suspend 4 *bool ?
 jobTemplate 5 batch/v1.JobTemplateSpec
 successfulJobsHistoryLimit 6 *i32 ?
 failedJobsHistoryLimit 7 *i32 ?
type batch/v1.CronJobStatus
 active 1 []core/v1.ObjectReference ?
 lastScheduleTime 4 *Time ?
 lastSuccessfulTime 5 *Time ?
type batch/v1.Job
 kind 1 string ?
 apiVersion 2 string ?
 metadata 1 meta/v1.ObjectMeta ? d={}
 spec 2 batch/v1.JobSpec ? d={}
 status 3 batch/v1.JobStatus ? d={}
type batch/v1.JobCondition
 type 1 string~batch/v1.JobConditionType
 status 2 string~core/v1.ConditionStatus
 lastProbeTime 3 Time ?
 lastTransitionTime 4 Time ?
 reason 5 string ?
 message 6 string ?
type batch/v1.JobSpec
 parallelism 1 *i32 ?
 completions 2 *i32 ?
 activeDeadlineSeconds 3 *i64 ?
 podFailurePolicy 11 *batch/v1.PodFailurePolicy ?
 successPolicy 16 *batch/v1.SuccessPolicy ?
 backoffLimit 7 *i32 ?
 backoffLimitPerIndex 12 *i32 ?
 maxFailedIndexes 13 *i32 ?
 selector 4 *meta/v1.LabelSelector ?
 manualSelector 5 *bool ?
 template 6 core/v1.PodTemplateSpec
 ttlSecondsAfterFinished 8 *i32 ?
 completionMode 9 *string~batch/v1.CompletionMode ?
 suspend 10 *bool ?
 podReplacementPolicy 14 *string~batch/v1.PodReplacementPolicy ?
 managedBy 15 *string ?
type batch/v1.JobStatus
 conditions 1 []batch/v1.JobCondition ? k=type s=merge
 startTime 2 *Time ?
 completionTime 3 *Time ?
 active 4 i32 ?
 succeeded 5 i32 ?
 failed 6 i32 ?
 terminating 11 *i32 ?
 completedIndexes 7 string ?
 failedIndexes 10 *string ?
 uncountedTerminatedPods 8 *batch/v1.UncountedTerminatedPods ?
 ready 9 *i32 ?
type batch/v1.JobTemplateSpec
 metadata 1 meta/v1.ObjectMeta ? d={}
 spec 2 batch/v1.JobSpec ? d={}
type batch/v1.PodFailurePolicy
 rules 1 []batch/v1.PodFailurePolicyRule
type batch/v1.PodFailurePolicyOnExitCodesRequirement
 containerName 1 *string ?
 operator 2 string~batch/v1.PodFailurePolicyOnExitCodesOperator
 values 3 []i32 l=set
type batch/v1.PodFailurePolicyOnPodConditionsPattern
 type 1 string~core/v1.PodConditionType
 status 2 string~core/v1.ConditionStatus
type batch/v1.PodFailurePolicyRule
 action 1 string~batch/v1.PodFailurePolicyAction
 onExitCodes 2 *batch/v1.PodFailurePolicyOnExitCodesRequirement ?
 onPodConditions 3 []batch/v1.PodFailurePolicyOnPodConditionsPattern ?
type batch/v1.SuccessPolicy
 rules 1 []batch/v1.SuccessPolicyRule
type batch/v1.SuccessPolicyRule
 succeededIndexes 1 *string ?
 succeededCount 2 *i32 ?
type batch/v1.UncountedTerminatedPods
 succeeded 1 []string~pkg/types.UID ? l=set
 failed 2 []string~pkg/types.UID ? l=set
type certificates/v1.CertificateSigningRequest
 kind 1 string ?
 apiVersion 2 string ?
 metadata 1 meta/v1.ObjectMeta ? d={}
 spec 2 certificates/v1.CertificateSigningRequestSpec
 status 3 certificates/v1.CertificateSigningRequestStatus ? d={}
type certificates/v1.CertificateSigningRequestCondition
 type 1 string~certificates/v1.RequestConditionType
 status 6 string~core/v1.ConditionStatus
 reason 2 string ?
 message 3 string ?
 lastUpdateTime 4 Time ?
 lastTransitionTime 5 Time ?
type certificates/v1.CertificateSigningRequestSpec
 request 1 bytes
 signerName 7 string
 expirationSeconds 8 *i32 ?
 usages 5 []string~certificates/v1.KeyUsage ?
 username 2 string ?
 uid 3 string ?
 groups 4 []string ?
 extra 6 {}Strings ?
type certificates/v1.CertificateSigningRequestStatus
 conditions 1 []certificates/v1.CertificateSigningRequestCondition ? l=map,type
 certificate 2 bytes ?
type coordination/v1.Lease
 kind 1 string ?
 apiVersion 2 string ?
 metadata 1 meta/v1.ObjectMeta ? d={}
 spec 2 coordination/v1.LeaseSpec ? d={}
type coordination/v1.LeaseSpec
 holderIdentity 1 *string ?
 leaseDurationSeconds 2 *i32 ?
 acquireTime 3 *MicroTime ?
 renewTime 4 *MicroTime ?
 leaseTransitions 5 *i32 ?
 strategy 6 *string~coordination/v1.CoordinatedLeaseStrategy ?
 preferredHolder 7 *string ?
type core/v1.AWSElasticBlockStoreVolumeSource
 volumeID 1 string
 fsType 2 string ?
 partition 3 i32 ?
 readOnly 4 bool ?
type core/v1.Affinity
 nodeAffinity 1 *core/v1.NodeAffinity ?
 podAffinity 2 *core/v1.PodAffinity ?
 podAntiAffinity 3 *core/v1.PodAntiAffinity ?
type core/v1.AppArmorProfile
 type 1 string~core/v1.AppArmorProfileType
 localhostProfile 2 *string ?
type core/v1.AttachedVolume
 name 1 string~core/v1.UniqueVolumeName
 devicePath 2 string
type core/v1.AzureDiskVolumeSource
 diskName 1 string
 diskURI 2 string
 cachingMode 3 *string~core/v1.AzureDataDiskCachingMode ? d="ReadWrite"
 fsType 4 *string ? d="ext4"
 readOnly 5 *bool ? d=false
 kind 6 *string~core/v1.AzureDataDiskKind ? d="Shared"
type core/v1.AzureFilePersistentVolumeSource
 secretName 1 string
 shareName 2 string
 readOnly 3 bool ?
 secretNamespace 4 *string o
type core/v1.AzureFileVolumeSource
 secretName 1 string
 shareName 2 string
 readOnly 3 bool ?
type core/v1.Binding
 kind 1 string ?
 apiVersion 2 string ?
 metadata 1 meta/v1.ObjectMeta ?
 target 2 core/v1.ObjectReference
type core/v1.CSIPersistentVolumeSource
 driver 1 string
 volumeHandle 2 string
 readOnly 3 bool ?
 fsType 4 string ?
 volumeAttributes 5 {}string ?
 controllerPublishSecretRef 6 *core/v1.SecretReference ?
 nodeStageSecretRef 7 *core/v1.SecretReference ?
 nodePublishSecretRef 8 *core/v1.SecretReference ?
 controllerExpandSecretRef 9 *core/v1.SecretReference ?
 nodeExpandSecretRef 10 *core/v1.SecretReference ?
type core/v1.CSIVolumeSource
 driver 1 string
 readOnly 2 *bool ?
 fsType 3 *string ?
 volumeAttributes 4 {}string ?
 nodePublishSecretRef 5 *core/v1.LocalObjectReference ?
type core/v1.Capabilities
 add 1 []string~core/v1.Capability ?
 drop 2 []string~core/v1.Capability ?
type core/v1.CephFSPersistentVolumeSource
 monitors 1 []string
 path 2 string ?
 user 3 string ?
 secretFile 4 string ?
 secretRef 5 *core/v1.SecretReference ?
 readOnly 6 bool ?
type core/v1.CephFSVolumeSource
 monitors 1 []string
 path 2 string ?
 user 3 string ?
 secretFile 4 string ?
 secretRef 5 *core/v1.LocalObjectReference ?
 readOnly 6 bool ?
type core/v1.CinderPersistentVolumeSource
 volumeID 1 string
 fsType 2 string ?
 readOnly 3 bool ?
 secretRef 4 *core/v1.SecretReference ?
type core/v1.CinderVolumeSource
 volumeID 1 string
 fsType 2 string ?
 readOnly 3 bool ?
 secretRef 4 *core/v1.LocalObjectReference ?
type core/v1.ClientIPConfig
 timeoutSeconds 1 *i32 ?
type core/v1.ClusterTrustBundleProjection
 name 1 *string ?
 signerName 2 *string ?
 labelSelector 3 *meta/v1.LabelSelector ?
 optional 5 *bool ?
 path 4 string
type core/v1.ComponentCondition
 type 1 string~core/v1.ComponentConditionType
 status 2 string~core/v1.ConditionStatus
 message 3 string ?
 error 4 string ?
type core/v1.ComponentStatus
 kind 1 string ?
 apiVersion 2 string ?
 metadata 1 meta/v1.ObjectMeta ? d={}
 conditions 2 []core/v1.ComponentCondition ? k=type s=merge l=map,type
type core/v1.ConfigMap
 kind 1 string ?
 apiVersion 2 string ?
 metadata 1 meta/v1.ObjectMeta ? d={}
 immutable 4 *bool ?
 data 2 {}string ?
 binaryData 3 {}bytes ?
type core/v1.ConfigMapEnvSource
 name 1.1 string ? d=""
 optional 2 *bool ?
type core/v1.ConfigMapKeySelector atomic
 name 1.1 string ? d=""
 key 2 string
 optional 3 *bool ?
type core/v1.ConfigMapNodeConfigSource
 namespace 1 string
 name 2 string
 uid 3 string~pkg/types.UID ?
 resourceVersion 4 string ?
 kubeletConfigKey 5 string
type core/v1.ConfigMapProjection
 name 1.1 string ? d=""
 items 2 []core/v1.KeyToPath ?
 optional 4 *bool ?
type core/v1.ConfigMapVolumeSource
 name 1.1 string ? d=""
 items 2 []core/v1.KeyToPath ?
 defaultMode 3 *i32 ?
 optional 4 *bool ?
type core/v1.Container
 name 1 string
 image 2 string ?
 command 3 []string ?
 args 4 []string ?
 workingDir 5 string ?
 ports 6 []core/v1.ContainerPort ? k=containerPort s=merge l=map,containerPort,protocol
 envFrom 19 []core/v1.EnvFromSource ?
 env 7 []core/v1.EnvVar ? k=name s=merge l=map,name
 resources 8 core/v1.ResourceRequirements ? d={}
 resizePolicy 23 []core/v1.ContainerResizePolicy ?
 restartPolicy 24 *string~core/v1.ContainerRestartPolicy ?
 restartPolicyRules 25 []core/v1.ContainerRestartRule ?
 volumeMounts 9 []core/v1.VolumeMount ? k=mountPath s=merge l=map,mountPath
 volumeDevices 21 []core/v1.VolumeDevice ? k=devicePath s=merge l=map,devicePath
 livenessProbe 10 *core/v1.Probe ?
 readinessProbe 11 *core/v1.Probe ?
 startupProbe 22 *core/v1.Probe ?
 lifecycle 12 *core/v1.Lifecycle ?
 terminationMessagePath 13 string ?
 terminationMessagePolicy 20 string~core/v1.TerminationMessagePolicy ?
 imagePullPolicy 14 string~core/v1.PullPolicy ?
 securityContext 15 *core/v1.SecurityContext ?
 stdin 16 bool ?
 stdinOnce 17 bool ?
 tty 18 bool ?
type core/v1.ContainerExtendedResourceRequest
 containerName 1 string
 resourceName 2 string
 requestName 3 string
type core/v1.ContainerImage
 names 1 []string o
 sizeBytes 2 i64 ?
type core/v1.ContainerPort
 name 1 string ?
 hostPort 2 i32 ?
 containerPort 3 i32
 protocol 4 string~core/v1.Protocol ? d="TCP"
 hostIP 5 string ?
type core/v1.ContainerResizePolicy
 resourceName 1 string~core/v1.ResourceName
 restartPolicy 2 string~core/v1.ResourceResizeRestartPolicy
type core/v1.ContainerRestartRule
 action 1 string~core/v1.ContainerRestartRuleAction ?
 exitCodes 2 *core/v1.ContainerRestartRuleOnExitCodes ?
type core/v1.ContainerRestartRuleOnExitCodes
 operator 1 string~core/v1.ContainerRestartRuleOnExitCodesOperator ?
 values 2 []i32 ? l=set
type core/v1.ContainerState
 waiting 1 *core/v1.ContainerStateWaiting ?
 running 2 *core/v1.ContainerStateRunning ?
 terminated 3 *core/v1.ContainerStateTerminated ?
type core/v1.ContainerStateRunning
 startedAt 1 Time ?
type core/v1.ContainerStateTerminated
 exitCode 1 i32
 signal 2 i32 ?
 reason 3 string ?
 message 4 string ?
 startedAt 5 Time ?
 finishedAt 6 Time ?
 containerID 7 string ?
type core/v1.ContainerStateWaiting
 reason 1 string ?
 message 2 string ?
type core/v1.ContainerStatus
 name 1 string
 state 2 core/v1.ContainerState ? d={}
 lastState 3 core/v1.ContainerState ? d={}
 ready 4 bool
 restartCount 5 i32
 image 6 string
 imageID 7 string
 containerID 8 string ?
 started 9 *bool ?
 allocatedResources 10 {}Quantity ?
 resources 11 *core/v1.ResourceRequirements ?
 volumeMounts 12 []core/v1.VolumeMountStatus ? k=mountPath s=merge l=map,mountPath
 user 13 *core/v1.ContainerUser ?
 allocatedResourcesStatus 14 []core/v1.ResourceStatus ? k=name s=merge l=map,name
 stopSignal 15 *string~core/v1.Signal ?
type core/v1.ContainerUser
 linux 1 *core/v1.LinuxContainerUser ?
type core/v1.DaemonEndpoint
 Port 1 i32
type core/v1.DownwardAPIProjection
 items 1 []core/v1.DownwardAPIVolumeFile ?
type core/v1.DownwardAPIVolumeFile
 path 1 string
 fieldRef 2 *core/v1.ObjectFieldSelector ?
 resourceFieldRef 3 *core/v1.ResourceFieldSelector ?
 mode 4 *i32 ?
type core/v1.DownwardAPIVolumeSource
 items 1 []core/v1.DownwardAPIVolumeFile ?
 defaultMode 2 *i32 ?
type core/v1.EmptyDirVolumeSource
 medium 1 string~core/v1.StorageMedium ?
 sizeLimit 2 *Quantity ?
type core/v1.EndpointAddress atomic
 ip 1 string
 hostname 3 string ?
 nodeName 4 *string ?
 targetRef 2 *core/v1.ObjectReference ?
type core/v1.EndpointPort atomic
 name 1 string ?
 port 2 i32
 protocol 3 string~core/v1.Protocol ?
 appProtocol 4 *string ?
type core/v1.EndpointSubset
 addresses 1 []core/v1.EndpointAddress ?
 notReadyAddresses 2 []core/v1.EndpointAddress ?
 ports 3 []core/v1.EndpointPort ?
type core/v1.Endpoints
 kind 1 string ?
 apiVersion 2 string ?
 metadata 1 meta/v1.ObjectMeta ? d={}
 subsets 2 []core/v1.EndpointSubset ?
type core/v1.EnvFromSource
 prefix 1 string ?
 configMapRef 2 *core/v1.ConfigMapEnvSource ?
 secretRef 3 *core/v1.SecretEnvSource ?
type core/v1.EnvVar
 name 1 string
 value 2 string ?
 valueFrom 3 *core/v1.EnvVarSource ?
type core/v1.EnvVarSource
 fieldRef 1 *core/v1.ObjectFieldSelector ?
 resourceFieldRef 2 *core/v1.ResourceFieldSelector ?
 configMapKeyRef 3 *core/v1.ConfigMapKeySelector ?
 secretKeyRef 4 *core/v1.SecretKeySelector ?
 fileKeyRef 5 *core/v1.FileKeySelector ?
type core/v1.EphemeralContainer
 name 1.1 string
 image 1.2 string ?
 command 1.3 []string ?
 args 1.4 []string ?
 workingDir 1.5 string ?
 ports 1.6 []core/v1.ContainerPort ? k=containerPort s=merge l=map,containerPort,protocol
 envFrom 1.19 []core/v1.EnvFromSource ?
 env 1.7 []core/v1.EnvVar ? k=name s=merge l=map,name
 resources 1.8 core/v1.ResourceRequirements ? d={}
 resizePolicy 1.23 []core/v1.ContainerResizePolicy ?
 restartPolicy 1.24 *string~core/v1.ContainerRestartPolicy ?
 restartPolicyRules 1.25 []core/v1.ContainerRestartRule ?
 volumeMounts 1.9 []core/v1.VolumeMount ? k=mountPath s=merge l=map,mountPath
 volumeDevices 1.21 []core/v1.VolumeDevice ? k=devicePath s=merge l=map,devicePath
 livenessProbe 1.10 *core/v1.Probe ?
 readinessProbe 1.11 *core/v1.Probe ?
 startupProbe 1.22 *core/v1.Probe ?
 lifecycle 1.12 *core/v1.Lifecycle ?
 terminationMessagePath 1.13 string ?
 terminationMessagePolicy 1.20 string~core/v1.TerminationMessagePolicy ?
 imagePullPolicy 1.14 string~core/v1.PullPolicy ?
 securityContext 1.15 *core/v1.SecurityContext ?
 stdin 1.16 bool ?
 stdinOnce 1.17 bool ?
 tty 1.18 bool ?
 targetContainerName 2 string ?
type core/v1.EphemeralContainerCommon
 name 1 string
 image 2 string ?
 command 3 []string ?
 args 4 []string ?
 workingDir 5 string ?
 ports 6 []core/v1.ContainerPort ? k=containerPort s=merge
 envFrom 19 []core/v1.EnvFromSource ?
 env 7 []core/v1.EnvVar ? k=name s=merge
 resources 8 core/v1.ResourceRequirements ?
 resizePolicy 23 []core/v1.ContainerResizePolicy ?
 restartPolicy 24 *string~core/v1.ContainerRestartPolicy ?
 restartPolicyRules 25 []core/v1.ContainerRestartRule ?
 volumeMounts 9 []core/v1.VolumeMount ? k=mountPath s=merge
 volumeDevices 21 []core/v1.VolumeDevice ? k=devicePath s=merge
 livenessProbe 10 *core/v1.Probe ?
 readinessProbe 11 *core/v1.Probe ?
 startupProbe 22 *core/v1.Probe ?
 lifecycle 12 *core/v1.Lifecycle ?
 terminationMessagePath 13 string ?
 terminationMessagePolicy 20 string~core/v1.TerminationMessagePolicy ?
 imagePullPolicy 14 string~core/v1.PullPolicy ?
 securityContext 15 *core/v1.SecurityContext ?
 stdin 16 bool ?
 stdinOnce 17 bool ?
 tty 18 bool ?
type core/v1.EphemeralVolumeSource
 volumeClaimTemplate 1 *core/v1.PersistentVolumeClaimTemplate ?
type core/v1.Event
 kind 1 string ?
 apiVersion 2 string ?
 metadata 1 meta/v1.ObjectMeta
 involvedObject 2 core/v1.ObjectReference
 reason 3 string ?
 message 4 string ?
 source 5 core/v1.EventSource ? d={}
 firstTimestamp 6 Time ?
 lastTimestamp 7 Time ?
 count 8 i32 ?
 type 9 string ?
 eventTime 10 MicroTime ?
 series 11 *core/v1.EventSeries ?
 action 12 string ?
 related 13 *core/v1.ObjectReference ?
 reportingComponent 14 string o d=""
 reportingInstance 15 string o d=""
type core/v1.EventSeries
 count 1 i32 ?
 lastObservedTime 2 MicroTime ?
type core/v1.EventSource
 component 1 string ?
 host 2 string ?
type core/v1.ExecAction
 command 1 []string ?
type core/v1.FCVolumeSource
 targetWWNs 1 []string ?
 lun 2 *i32 ?
 fsType 3 string ?
 readOnly 4 bool ?
 wwids 5 []string ?
type core/v1.FileKeySelector atomic
 volumeName 1 string
 path 2 string
 key 3 string
 optional 4 *bool ? d=false
type core/v1.FlexPersistentVolumeSource
 driver 1 string
 fsType 2 string ?
 secretRef 3 *core/v1.SecretReference ?
 readOnly 4 bool ?
 options 5 {}string ?
type core/v1.FlexVolumeSource
 driver 1 string
 fsType 2 string ?
 secretRef 3 *core/v1.LocalObjectReference ?
 readOnly 4 bool ?
 options 5 {}string ?
type core/v1.FlockerVolumeSource
 datasetName 1 string ?
 datasetUUID 2 string ?
type core/v1.GCEPersistentDiskVolumeSource
 pdName 1 string
 fsType 2 string ?
 partition 3 i32 ?
 readOnly 4 bool ?
type core/v1.GRPCAction
 port 1 i32
 service 2 *string o d=""
type core/v1.GitRepoVolumeSource
 repository 1 string
 revision 2 string ?
 directory 3 string ?
type core/v1.GlusterfsPersistentVolumeSource
 endpoints 1 string
 path 2 string
 readOnly 3 bool ?
 endpointsNamespace 4 *string ?
type core/v1.GlusterfsVolumeSource
 endpoints 1 string
 path 2 string
 readOnly 3 bool ?
type core/v1.HTTPGetAction
 path 1 string ?
 port 2 IntOrString
 host 3 string ?
 scheme 4 string~core/v1.URIScheme ?
 httpHeaders 5 []core/v1.HTTPHeader ?
type core/v1.HTTPHeader
 name 1 string
 value 2 string
type core/v1.HostAlias
 ip 1 string
 hostnames 2 []string ?
type core/v1.HostIP
 ip 1 string
type core/v1.HostPathVolumeSource
 path 1 string
 type 2 *string~core/v1.HostPathType ?
type core/v1.ISCSIPersistentVolumeSource
 targetPortal 1 string
 iqn 2 string
 lun 3 i32
 iscsiInterface 4 string ? d="default"
 fsType 5 string ?
 readOnly 6 bool ?
 portals 7 []string ?
 chapAuthDiscovery 8 bool ?
 chapAuthSession 11 bool ?
 secretRef 10 *core/v1.SecretReference ?
 initiatorName 12 *string ?
type core/v1.ISCSIVolumeSource
 targetPortal 1 string
 iqn 2 string
 lun 3 i32
 iscsiInterface 4 string ? d="default"
 fsType 5 string ?
 readOnly 6 bool ?
 portals 7 []string ?
 chapAuthDiscovery 8 bool ?
 chapAuthSession 11 bool ?
 secretRef 10 *core/v1.LocalObjectReference ?
 initiatorName 12 *string ?
type core/v1.ImageVolumeSource
 reference 1 string ?
 pullPolicy 2 string~core/v1.PullPolicy ?
type core/v1.KeyToPath
 key 1 string
 path 2 string
 mode 3 *i32 ?
type core/v1.Lifecycle
 postStart 1 *core/v1.LifecycleHandler ?
 preStop 2 *core/v1.LifecycleHandler ?
 stopSignal 3 *string~core/v1.Signal ?
type core/v1.LifecycleHandler
 exec 1 *core/v1.ExecAction ?
 httpGet 2 *core/v1.HTTPGetAction ?
 tcpSocket 3 *core/v1.TCPSocketAction ?
 sleep 4 *core/v1.SleepAction ?
type core/v1.LimitRange
 kind 1 string ?
 apiVersion 2 string ?
 metadata 1 meta/v1.ObjectMeta ? d={}
 spec 2 core/v1.LimitRangeSpec ? d={}
type core/v1.LimitRangeItem
 type 1 string~core/v1.LimitType
 max 2 {}Quantity ?
 min 3 {}Quantity ?
 default 4 {}Quantity ?
 defaultRequest 5 {}Quantity ?
 maxLimitRequestRatio 6 {}Quantity ?
type core/v1.LimitRangeSpec
 limits 1 []core/v1.LimitRangeItem
type core/v1.LinuxContainerUser
 uid 1 i64
 gid 2 i64
 supplementalGroups 3 []i64 ?
type core/v1.LoadBalancerIngress
 ip 1 string ?
 hostname 2 string ?
 ipMode 3 *string~core/v1.LoadBalancerIPMode ?
 ports 4 []core/v1.PortStatus ?
type core/v1.LoadBalancerStatus
 ingress 1 []core/v1.LoadBalancerIngress ?
type core/v1.LocalObjectReference atomic
 name 1 string ? d=""
type core/v1.LocalVolumeSource
 path 1 string
 fsType 2 *string ?
type core/v1.ModifyVolumeStatus
 targetVolumeAttributesClassName 1 string ?
 status 2 string~core/v1.PersistentVolumeClaimModifyVolumeStatus
type core/v1.NFSVolumeSource
 server 1 string
 path 2 string
 readOnly 3 bool ?
type core/v1.Namespace
 kind 1 string ?
 apiVersion 2 string ?
 metadata 1 meta/v1.ObjectMeta ? d={}
 spec 2 core/v1.NamespaceSpec ? d={}
 status 3 core/v1.NamespaceStatus ? d={}
type core/v1.NamespaceCondition
 type 1 string~core/v1.NamespaceConditionType
 status 2 string~core/v1.ConditionStatus
 lastTransitionTime 4 Time ?
 reason 5 string ?
 message 6 string ?
type core/v1.NamespaceSpec
 finalizers 1 []string~core/v1.FinalizerName ?
type core/v1.NamespaceStatus
 phase 1 string~core/v1.NamespacePhase ?
 conditions 2 []core/v1.NamespaceCondition ? k=type s=merge l=map,type
type core/v1.Node
 kind 1 string ?
 apiVersion 2 string ?
 metadata 1 meta/v1.ObjectMeta ? d={}
 spec 2 core/v1.NodeSpec ? d={}
 status 3 core/v1.NodeStatus ? d={}
type core/v1.NodeAddress
 type 1 string~core/v1.NodeAddressType
 address 2 string
type core/v1.NodeAffinity
 requiredDuringSchedulingIgnoredDuringExecution 1 *core/v1.NodeSelector ?
 preferredDuringSchedulingIgnoredDuringExecution 2 []core/v1.PreferredSchedulingTerm ?
type core/v1.NodeCondition
 type 1 string~core/v1.NodeConditionType
 status 2 string~core/v1.ConditionStatus
 lastHeartbeatTime 3 Time ?
 lastTransitionTime 4 Time ?
 reason 5 string ?
 message 6 string ?
type core/v1.NodeConfigSource
 configMap 2 *core/v1.ConfigMapNodeConfigSource ?
type core/v1.NodeConfigStatus
 assigned 1 *core/v1.NodeConfigSource ?
 active 2 *core/v1.NodeConfigSource ?
 lastKnownGood 3 *core/v1.NodeConfigSource ?
 error 4 string ?
type core/v1.NodeDaemonEndpoints
 kubeletEndpoint 1 core/v1.DaemonEndpoint ? d={}
type core/v1.NodeFeatures
 supplementalGroupsPolicy 1 *bool ?
type core/v1.NodeRuntimeHandler
 name 1 string o d=""
 features 2 *core/v1.NodeRuntimeHandlerFeatures ?
type core/v1.NodeRuntimeHandlerFeatures
 recursiveReadOnlyMounts 1 *bool ?
 userNamespaces 2 *bool ?
type core/v1.NodeSelector atomic
 nodeSelectorTerms 1 []core/v1.NodeSelectorTerm
type core/v1.NodeSelectorRequirement
 key 1 string
 operator 2 string~core/v1.NodeSelectorOperator
 values 3 []string ?
type core/v1.NodeSelectorTerm atomic
 matchExpressions 1 []core/v1.NodeSelectorRequirement ?
 matchFields 2 []core/v1.NodeSelectorRequirement ?
type core/v1.NodeSpec
 podCIDR 1 string ?
 podCIDRs 7 []string ? s=merge l=set
 providerID 3 string ?
 unschedulable 4 bool ?
 taints 5 []core/v1.Taint ?
 configSource 6 *core/v1.NodeConfigSource ?
 externalID 2 string ?
type core/v1.NodeStatus
 capacity 1 {}Quantity ?
 allocatable 2 {}Quantity ?
 phase 3 string~core/v1.NodePhase ?
 conditions 4 []core/v1.NodeCondition ? k=type s=merge l=map,type
 addresses 5 []core/v1.NodeAddress ? k=type s=merge l=map,type
 daemonEndpoints 6 core/v1.NodeDaemonEndpoints ? d={}
 nodeInfo 7 core/v1.NodeSystemInfo ? d={}
 images 8 []core/v1.ContainerImage ?
 volumesInUse 9 []string~core/v1.UniqueVolumeName ?
 volumesAttached 10 []core/v1.AttachedVolume ?
 config 11 *core/v1.NodeConfigStatus ?
 runtimeHandlers 12 []core/v1.NodeRuntimeHandler ?
 features 13 *core/v1.NodeFeatures ?
type core/v1.NodeSwapStatus
 capacity 1 *i64 ?
type core/v1.NodeSystemInfo
 machineID 1 string
 systemUUID 2 string
 bootID 3 string
 kernelVersion 4 string
 osImage 5 string
 containerRuntimeVersion 6 string
 kubeletVersion 7 string
 kubeProxyVersion 8 string
 operatingSystem 9 string
 architecture 10 string
 swap 11 *core/v1.NodeSwapStatus ?
type core/v1.ObjectFieldSelector atomic
 apiVersion 1 string ?
 fieldPath 2 string
type core/v1.ObjectReference atomic
 kind 1 string ?
 namespace 2 string ?
 name 3 string ?
 uid 4 string~pkg/types.UID ?
 apiVersion 5 string ?
 resourceVersion 6 string ?
 fieldPath 7 string ?
type core/v1.PersistentVolume
 kind 1 string ?
 apiVersion 2 string ?
 metadata 1 meta/v1.ObjectMeta ? d={}
 spec 2 core/v1.PersistentVolumeSpec ? d={}
 status 3 core/v1.PersistentVolumeStatus ? d={}
type core/v1.PersistentVolumeClaim
 kind 1 string ?
 apiVersion 2 string ?
 metadata 1 meta/v1.ObjectMeta ? d={}
 spec 2 core/v1.PersistentVolumeClaimSpec ? d={}
 status 3 core/v1.PersistentVolumeClaimStatus ? d={}
type core/v1.PersistentVolumeClaimCondition
 type 1 string~core/v1.PersistentVolumeClaimConditionType
 status 2 string~core/v1.ConditionStatus
 lastProbeTime 3 Time ?
 lastTransitionTime 4 Time ?
 reason 5 string ?
 message 6 string ?
type core/v1.PersistentVolumeClaimSpec
 accessModes 1 []string~core/v1.PersistentVolumeAccessMode ?
 selector 4 *meta/v1.LabelSelector ?
 resources 2 core/v1.VolumeResourceRequirements ? d={}
 volumeName 3 string ?
 storageClassName 5 *string ?
 volumeMode 6 *string~core/v1.PersistentVolumeMode ?
 dataSource 7 *core/v1.TypedLocalObjectReference ?
 dataSourceRef 8 *core/v1.TypedObjectReference ?
 volumeAttributesClassName 9 *string ?
type core/v1.PersistentVolumeClaimStatus
 phase 1 string~core/v1.PersistentVolumeClaimPhase ?
 accessModes 2 []string~core/v1.PersistentVolumeAccessMode ?
 capacity 3 {}Quantity ?
 conditions 4 []core/v1.PersistentVolumeClaimCondition ? k=type s=merge l=map,type
 allocatedResources 5 {}Quantity ?
 allocatedResourceStatuses 7 {}string~core/v1.ClaimResourceStatus ?
 currentVolumeAttributesClassName 8 *string ?
 modifyVolumeStatus 9 *core/v1.ModifyVolumeStatus ?
type core/v1.PersistentVolumeClaimTemplate
 metadata 1 meta/v1.ObjectMeta ? d={}
 spec 2 core/v1.PersistentVolumeClaimSpec
type core/v1.PersistentVolumeClaimVolumeSource
 claimName 1 string
 readOnly 2 bool ?
type core/v1.PersistentVolumeSource
 gcePersistentDisk 1 *core/v1.GCEPersistentDiskVolumeSource ?
 awsElasticBlockStore 2 *core/v1.AWSElasticBlockStoreVolumeSource ?
 hostPath 3 *core/v1.HostPathVolumeSource ?
 glusterfs 4 *core/v1.GlusterfsPersistentVolumeSource ?
 nfs 5 *core/v1.NFSVolumeSource ?
 rbd 6 *core/v1.RBDPersistentVolumeSource ?
 iscsi 7 *core/v1.ISCSIPersistentVolumeSource ?
 cinder 8 *core/v1.CinderPersistentVolumeSource ?
 cephfs 9 *core/v1.CephFSPersistentVolumeSource ?
 fc 10 *core/v1.FCVolumeSource ?
 flocker 11 *core/v1.FlockerVolumeSource ?
 flexVolume 12 *core/v1.FlexPersistentVolumeSource ?
 azureFile 13 *core/v1.AzureFilePersistentVolumeSource ?
 vsphereVolume 14 *core/v1.VsphereVirtualDiskVolumeSource ?
 quobyte 15 *core/v1.QuobyteVolumeSource ?
 azureDisk 16 *core/v1.AzureDiskVolumeSource ?
 photonPersistentDisk 17 *core/v1.PhotonPersistentDiskVolumeSource ?
 portworxVolume 18 *core/v1.PortworxVolumeSource ?
 scaleIO 19 *core/v1.ScaleIOPersistentVolumeSource ?
 local 20 *core/v1.LocalVolumeSource ?
 storageos 21 *core/v1.StorageOSPersistentVolumeSource ?
 csi 22 *core/v1.CSIPersistentVolumeSource ?
type core/v1.PersistentVolumeSpec
 capacity 1 {}Quantity ?
 gcePersistentDisk 2.1 *core/v1.GCEPersistentDiskVolumeSource ?
 awsElasticBlockStore 2.2 *core/v1.AWSElasticBlockStoreVolumeSource ?
 hostPath 2.3 *core/v1.HostPathVolumeSource ?
 glusterfs 2.4 *core/v1.GlusterfsPersistentVolumeSource ?
 nfs 2.5 *core/v1.NFSVolumeSource ?
 rbd 2.6 *core/v1.RBDPersistentVolumeSource ?
 iscsi 2.7 *core/v1.ISCSIPersistentVolumeSource ?
 cinder 2.8 *core/v1.CinderPersistentVolumeSource ?
 cephfs 2.9 *core/v1.CephFSPersistentVolumeSource ?
 fc 2.10 *core/v1.FCVolumeSource ?
 flocker 2.11 *core/v1.FlockerVolumeSource ?
 flexVolume 2.12 *core/v1.FlexPersistentVolumeSource ?
 azureFile 2.13 *core/v1.AzureFilePersistentVolumeSource ?
 vsphereVolume 2.14 *core/v1.VsphereVirtualDiskVolumeSource ?
 quobyte 2.15 *core/v1.QuobyteVolumeSource ?
 azureDisk 2.16 *core/v1.AzureDiskVolumeSource ?
 photonPersistentDisk 2.17 *core/v1.PhotonPersistentDiskVolumeSource ?
 portworxVolume 2.18 *core/v1.PortworxVolumeSource ?
 scaleIO 2.19 *core/v1.ScaleIOPersistentVolumeSource ?
 local 2.20 *core/v1.LocalVolumeSource ?
 storageos 2.21 *core/v1.StorageOSPersistentVolumeSource ?
 csi 2.22 *core/v1.CSIPersistentVolumeSource ?
 accessModes 3 []string~core/v1.PersistentVolumeAccessMode ?
 claimRef 4 *core/v1.ObjectReference ?
 persistentVolumeReclaimPolicy 5 string~core/v1.PersistentVolumeReclaimPolicy ?
 storageClassName 6 string ?
 mountOptions 7 []string ?
 volumeMode 8 *string~core/v1.PersistentVolumeMode ?
 nodeAffinity 9 *core/v1.VolumeNodeAffinity ?
 volumeAttributesClassName 10 *string ?
type core/v1.PersistentVolumeStatus
 phase 1 string~core/v1.PersistentVolumePhase ?
 message 2 string ?
 reason 3 string ?
 lastPhaseTransitionTime 4 *Time ?
type core/v1.PhotonPersistentDiskVolumeSource
 pdID 1 string
 fsType 2 string ?
type core/v1.Pod
 kind 1 string ?
 apiVersion 2 string ?
 metadata 1 meta/v1.ObjectMeta ? d={}
 spec 2 core/v1.PodSpec ? d={}
 status 3 core/v1.PodStatus ? d={}
type core/v1.PodAffinity
 requiredDuringSchedulingIgnoredDuringExecution 1 []core/v1.PodAffinityTerm ?
 preferredDuringSchedulingIgnoredDuringExecution 2 []core/v1.WeightedPodAffinityTerm ?
type core/v1.PodAffinityTerm
 labelSelector 1 *meta/v1.LabelSelector ?
 namespaces 2 []string ?
 topologyKey 3 string
 namespaceSelector 4 *meta/v1.LabelSelector ?
 matchLabelKeys 5 []string ?
 mismatchLabelKeys 6 []string ?
type core/v1.PodAntiAffinity
 requiredDuringSchedulingIgnoredDuringExecution 1 []core/v1.PodAffinityTerm ?
 preferredDuringSchedulingIgnoredDuringExecution 2 []core/v1.WeightedPodAffinityTerm ?
type core/v1.PodCertificateProjection
 signerName 1 string ?
 keyType 2 string ?
 maxExpirationSeconds 3 *i32 ?
 credentialBundlePath 4 string ?
 keyPath 5 string ?
 certificateChainPath 6 string ?
type core/v1.PodCondition
 type 1 string~core/v1.PodConditionType
 observedGeneration 7 i64 ?
 status 2 string~core/v1.ConditionStatus
 lastProbeTime 3 Time ?
 lastTransitionTime 4 Time ?
 reason 5 string ?
 message 6 string ?
type core/v1.PodDNSConfig
 nameservers 1 []string ?
 searches 2 []string ?
 options 3 []core/v1.PodDNSConfigOption ?
type core/v1.PodDNSConfigOption
 name 1 string ?
 value 2 *string ?
type core/v1.PodExtendedResourceClaimStatus
 requestMappings 1 []core/v1.ContainerExtendedResourceRequest
 resourceClaimName 2 string
type core/v1.PodIP
 ip 1 string
type core/v1.PodOS
 name 1 string~core/v1.OSName
type core/v1.PodReadinessGate
 conditionType 1 string~core/v1.PodConditionType
type core/v1.PodResourceClaim
 name 1 string
 resourceClaimName 3 *string ?
 resourceClaimTemplateName 4 *string ?
type core/v1.PodResourceClaimStatus
 name 1 string
 resourceClaimName 2 *string ?
type core/v1.PodSchedulingGate
 name 1 string
type core/v1.PodSecurityContext
 seLinuxOptions 1 *core/v1.SELinuxOptions ?
 windowsOptions 8 *core/v1.WindowsSecurityContextOptions ?
 runAsUser 2 *i64 ?
 runAsGroup 6 *i64 ?
 runAsNonRoot 3 *bool ?
 supplementalGroups 4 []i64 ?
 supplementalGroupsPolicy 12 *string~core/v1.SupplementalGroupsPolicy ?
 fsGroup 5 *i64 ?
 sysctls 7 []core/v1.Sysctl ?
 fsGroupChangePolicy 9 *string~core/v1.PodFSGroupChangePolicy ?
 seccompProfile 10 *core/v1.SeccompProfile ?
 appArmorProfile 11 *core/v1.AppArmorProfile ?
 seLinuxChangePolicy 13 *string~core/v1.PodSELinuxChangePolicy ?
type core/v1.PodSpec
 volumes 1 []core/v1.Volume ? k=name s=merge,retainKeys l=map,name
 initContainers 20 []core/v1.Container ? k=name s=merge l=map,name
 containers 2 []core/v1.Container k=name s=merge l=map,name
 ephemeralContainers 34 []core/v1.EphemeralContainer ? k=name s=merge l=map,name
 restartPolicy 3 string~core/v1.RestartPolicy ?
 terminationGracePeriodSeconds 4 *i64 ?
 activeDeadlineSeconds 5 *i64 ?
 dnsPolicy 6 string~core/v1.DNSPolicy ?
 nodeSelector 7 {}string ? m=atomic
 serviceAccountName 8 string ?
 serviceAccount 9 string ?
 automountServiceAccountToken 21 *bool ?
 nodeName 10 string ?
 hostNetwork 11 bool ?
 hostPID 12 bool ?
 hostIPC 13 bool ?
 shareProcessNamespace 27 *bool ?
 securityContext 14 *core/v1.PodSecurityContext ?
 imagePullSecrets 15 []core/v1.LocalObjectReference ? k=name s=merge l=map,name
 hostname 16 string ?
 subdomain 17 string ?
 affinity 18 *core/v1.Affinity ?
 schedulerName 19 string ?
 tolerations 22 []core/v1.Toleration ?
 hostAliases 23 []core/v1.HostAlias ? k=ip s=merge l=map,ip
 priorityClassName 24 string ?
 priority 25 *i32 ?
 dnsConfig 26 *core/v1.PodDNSConfig ?
 readinessGates 28 []core/v1.PodReadinessGate ?
 runtimeClassName 29 *string ?
 enableServiceLinks 30 *bool ?
 preemptionPolicy 31 *string~core/v1.PreemptionPolicy ?
 overhead 32 {}Quantity ?
 topologySpreadConstraints 33 []core/v1.TopologySpreadConstraint ? k=topologyKey s=merge l=map,topologyKey,whenUnsatisfiable
 setHostnameAsFQDN 35 *bool ?
 os 36 *core/v1.PodOS ?
 hostUsers 37 *bool ?
 schedulingGates 38 []core/v1.PodSchedulingGate ? k=name s=merge l=map,name
 resourceClaims 39 []core/v1.PodResourceClaim ? k=name s=merge,retainKeys l=map,name
 resources 40 *core/v1.ResourceRequirements ?
 hostnameOverride 41 *string ?
type core/v1.PodStatus
 observedGeneration 17 i64 ?
 phase 1 string~core/v1.PodPhase ?
 conditions 2 []core/v1.PodCondition ? k=type s=merge l=map,type
 message 3 string ?
 reason 4 string ?
 nominatedNodeName 11 string ?
 hostIP 5 string ?
 hostIPs 16 []core/v1.HostIP ? k=ip s=merge
 podIP 6 string ?
 podIPs 12 []core/v1.PodIP ? k=ip s=merge l=map,ip
 startTime 7 *Time ?
 initContainerStatuses 10 []core/v1.ContainerStatus ?
 containerStatuses 8 []core/v1.ContainerStatus ?
 qosClass 9 string~core/v1.PodQOSClass ?
 ephemeralContainerStatuses 13 []core/v1.ContainerStatus ?
 resize 14 string~core/v1.PodResizeStatus ?
 resourceClaimStatuses 15 []core/v1.PodResourceClaimStatus ? k=name s=merge,retainKeys l=map,name
 extendedResourceClaimStatus 18 *core/v1.PodExtendedResourceClaimStatus ?
type core/v1.PodStatusResult
 kind 1 string ?
 apiVersion 2 string ?
 metadata 1 meta/v1.ObjectMeta ?
 status 2 core/v1.PodStatus ?
type core/v1.PodTemplate
 kind 1 string ?
 apiVersion 2 string ?
 metadata 1 meta/v1.ObjectMeta ? d={}
 template 2 core/v1.PodTemplateSpec ? d={}
type core/v1.PodTemplateSpec
 metadata 1 meta/v1.ObjectMeta ? d={}
 spec 2 core/v1.PodSpec ? d={}
type core/v1.PortStatus
 port 1 i32
 protocol 2 string~core/v1.Protocol
 error 3 *string ?
type core/v1.PortworxVolumeSource
 volumeID 1 string
 fsType 2 string ?
 readOnly 3 bool ?
type core/v1.PreferredSchedulingTerm
 weight 1 i32
 preference 2 core/v1.NodeSelectorTerm
type core/v1.Probe
 exec 1.1 *core/v1.ExecAction ?
 httpGet 1.2 *core/v1.HTTPGetAction ?
 tcpSocket 1.3 *core/v1.TCPSocketAction ?
 grpc 1.4 *core/v1.GRPCAction ?
 initialDelaySeconds 2 i32 ?
 timeoutSeconds 3 i32 ?
 periodSeconds 4 i32 ?
 successThreshold 5 i32 ?
 failureThreshold 6 i32 ?
 terminationGracePeriodSeconds 7 *i64 ?
type core/v1.ProbeHandler
 exec 1 *core/v1.ExecAction ?
 httpGet 2 *core/v1.HTTPGetAction ?
 tcpSocket 3 *core/v1.TCPSocketAction ?
 grpc 4 *core/v1.GRPCAction ?
type core/v1.ProjectedVolumeSource
 sources 1 []core/v1.VolumeProjection o
 defaultMode 2 *i32 ?
type core/v1.QuobyteVolumeSource
 registry 1 string
 volume 2 string
 readOnly 3 bool ?
 user 4 string ?
 group 5 string ?
 tenant 6 string ?
type core/v1.RBDPersistentVolumeSource
 monitors 1 []string
 image 2 string
 fsType 3 string ?
 pool 4 string ? d="rbd"
 user 5 string ? d="admin"
 keyring 6 string ? d="/etc/ceph/keyring"
 secretRef 7 *core/v1.SecretReference ?
 readOnly 8 bool ?
type core/v1.RBDVolumeSource
 monitors 1 []string
 image 2 string
 fsType 3 string ?
 pool 4 string ? d="rbd"
 user 5 string ? d="admin"
 keyring 6 string ? d="/etc/ceph/keyring"
 secretRef 7 *core/v1.LocalObjectReference ?
 readOnly 8 bool ?
type core/v1.RangeAllocation
 kind 1 string ?
 apiVersion 2 string ?
 metadata 1 meta/v1.ObjectMeta ?
 range 2 string
 data 3 bytes
type core/v1.ReplicationController
 kind 1 string ?
 apiVersion 2 string ?
 metadata 1 meta/v1.ObjectMeta ? d={}
 spec 2 core/v1.ReplicationControllerSpec ? d={}
 status 3 core/v1.ReplicationControllerStatus ? d={}
type core/v1.ReplicationControllerCondition
 type 1 string~core/v1.ReplicationControllerConditionType
 status 2 string~core/v1.ConditionStatus
 lastTransitionTime 3 Time ?
 reason 4 string ?
 message 5 string ?
type core/v1.ReplicationControllerSpec
 replicas 1 *i32 ? d=1
 minReadySeconds 4 i32 ? d=0
 selector 2 {}string ? m=atomic
 template 3 *core/v1.PodTemplateSpec ?
type core/v1.ReplicationControllerStatus
 replicas 1 i32
 fullyLabeledReplicas 2 i32 ?
 readyReplicas 4 i32 ?
 availableReplicas 5 i32 ?
 observedGeneration 3 i64 ?
 conditions 6 []core/v1.ReplicationControllerCondition ? k=type s=merge l=map,type
type core/v1.ResourceClaim
 name 1 string
 request 2 string ?
type core/v1.ResourceFieldSelector atomic
 containerName 1 string ?
 resource 2 string
 divisor 3 Quantity ?
type core/v1.ResourceHealth
 resourceID 1 string~core/v1.ResourceID
 health 2 string~core/v1.ResourceHealthStatus ?
type core/v1.ResourceQuota
 kind 1 string ?
 apiVersion 2 string ?
 metadata 1 meta/v1.ObjectMeta ? d={}
 spec 2 core/v1.ResourceQuotaSpec ? d={}
 status 3 core/v1.ResourceQuotaStatus ? d={}
type core/v1.ResourceQuotaSpec
 hard 1 {}Quantity ?
 scopes 2 []string~core/v1.ResourceQuotaScope ?
 scopeSelector 3 *core/v1.ScopeSelector ?
type core/v1.ResourceQuotaStatus
 hard 1 {}Quantity ?
 used 2 {}Quantity ?
type core/v1.ResourceRequirements
 limits 1 {}Quantity ?
 requests 2 {}Quantity ?
 claims 3 []core/v1.ResourceClaim ? l=map,name
type core/v1.ResourceStatus
 name 1 string~core/v1.ResourceName
 resources 2 []core/v1.ResourceHealth ? l=map,resourceID
type core/v1.SELinuxOptions
 user 1 string ?
 role 2 string ?
 type 3 string ?
 level 4 string ?
type core/v1.ScaleIOPersistentVolumeSource
 gateway 1 string
 system 2 string
 secretRef 3 *core/v1.SecretReference
 sslEnabled 4 bool ?
 protectionDomain 5 string ?
 storagePool 6 string ?
 storageMode 7 string ? d="ThinProvisioned"
 volumeName 8 string ?
 fsType 9 string ? d="xfs"
 readOnly 10 bool ?
type core/v1.ScaleIOVolumeSource
 gateway 1 string
 system 2 string
 secretRef 3 *core/v1.LocalObjectReference
 sslEnabled 4 bool ?
 protectionDomain 5 string ?
 storagePool 6 string ?
 storageMode 7 string ? d="ThinProvisioned"
 volumeName 8 string ?
 fsType 9 string ? d="xfs"
 readOnly 10 bool ?
type core/v1.ScopeSelector atomic
 matchExpressions 1 []core/v1.ScopedResourceSelectorRequirement ?
type core/v1.ScopedResourceSelectorRequirement
 scopeName 1 string~core/v1.ResourceQuotaScope
 operator 2 string~core/v1.ScopeSelectorOperator
 values 3 []string ?
type core/v1.SeccompProfile
 type 1 string~core/v1.SeccompProfileType
 localhostProfile 2 *string ?
type core/v1.Secret
 kind 1 string ?
 apiVersion 2 string ?
 metadata 1 meta/v1.ObjectMeta ? d={}
 immutable 5 *bool ?
 data 2 {}bytes ?
 stringData 4 {}string ?
 type 3 string~core/v1.SecretType ?
type core/v1.SecretEnvSource
 name 1.1 string ? d=""
 optional 2 *bool ?
type core/v1.SecretKeySelector atomic
 name 1.1 string ? d=""
 key 2 string
 optional 3 *bool ?
type core/v1.SecretProjection
 name 1.1 string ? d=""
 items 2 []core/v1.KeyToPath ?
 optional 4 *bool ?
type core/v1.SecretReference atomic
 name 1 string ?
 namespace 2 string ?
type core/v1.SecretVolumeSource
 secretName 1 string ?
 items 2 []core/v1.KeyToPath ?
 defaultMode 3 *i32 ?
 optional 4 *bool ?
type core/v1.SecurityContext
 capabilities 1 *core/v1.Capabilities ?
 privileged 2 *bool ?
 seLinuxOptions 3 *core/v1.SELinuxOptions ?
 windowsOptions 10 *core/v1.WindowsSecurityContextOptions ?
 runAsUser 4 *i64 ?
 runAsGroup 8 *i64 ?
 runAsNonRoot 5 *bool ?
 readOnlyRootFilesystem 6 *bool ?
 allowPrivilegeEscalation 7 *bool ?
 procMount 9 *string~core/v1.ProcMountType ?
 seccompProfile 11 *core/v1.SeccompProfile ?
 appArmorProfile 12 *core/v1.AppArmorProfile ?
type core/v1.SerializedReference
 kind 1 string ?
 apiVersion 2 string ?
 reference 1 core/v1.ObjectReference ?
type core/v1.Service
 kind 1 string ?
 apiVersion 2 string ?
 metadata 1 meta/v1.ObjectMeta ? d={}
 spec 2 core/v1.ServiceSpec ? d={}
 status 3 core/v1.ServiceStatus ? d={}
type core/v1.ServiceAccount
 kind 1 string ?
 apiVersion 2 string ?
 metadata 1 meta/v1.ObjectMeta ? d={}
 secrets 2 []core/v1.ObjectReference ? k=name s=merge l=map,name
 imagePullSecrets 3 []core/v1.LocalObjectReference ?
 automountServiceAccountToken 4 *bool ?
type core/v1.ServiceAccountTokenProjection
 audience 1 string ?
 expirationSeconds 2 *i64 ?
 path 3 string
type core/v1.ServicePort
 name 1 string ?
 protocol 2 string~core/v1.Protocol ? d="TCP"
 appProtocol 6 *string ?
 port 3 i32
 targetPort 4 IntOrString ?
 nodePort 5 i32 ?
type core/v1.ServiceSpec
 ports 1 []core/v1.ServicePort ? k=port s=merge l=map,port,protocol
 selector 2 {}string ? m=atomic
 clusterIP 3 string ?
 clusterIPs 18 []string ?
 type 4 string~core/v1.ServiceType ?
 externalIPs 5 []string ?
 sessionAffinity 7 string~core/v1.ServiceAffinity ?
 loadBalancerIP 8 string ?
 loadBalancerSourceRanges 9 []string ?
 externalName 10 string ?
 externalTrafficPolicy 11 string~core/v1.ServiceExternalTrafficPolicy ?
 healthCheckNodePort 12 i32 ?
 publishNotReadyAddresses 13 bool ?
 sessionAffinityConfig 14 *core/v1.SessionAffinityConfig ?
 ipFamilies 19 []string~core/v1.IPFamily ?
 ipFamilyPolicy 17 *string~core/v1.IPFamilyPolicy ?
 allocateLoadBalancerNodePorts 20 *bool ?
 loadBalancerClass 21 *string ?
 internalTrafficPolicy 22 *string~core/v1.ServiceInternalTrafficPolicy ?
 trafficDistribution 23 *string ?
type core/v1.ServiceStatus
 loadBalancer 1 core/v1.LoadBalancerStatus ? d={}
 conditions 2 []meta/v1.Condition ? k=type s=merge l=map,type
type core/v1.SessionAffinityConfig
 clientIP 1 *core/v1.ClientIPConfig ?
type core/v1.SleepAction
 seconds 1 i64
type core/v1.StorageOSPersistentVolumeSource
 volumeName 1 string ?
 volumeNamespace 2 string ?
 fsType 3 string ?
 readOnly 4 bool ?
 secretRef 5 *core/v1.ObjectReference ?
type core/v1.StorageOSVolumeSource
 volumeName 1 string ?
 volumeNamespace 2 string ?
 fsType 3 string ?
 readOnly 4 bool ?
 secretRef 5 *core/v1.LocalObjectReference ?
type core/v1.Sysctl
 name 1 string
 value 2 string
type core/v1.TCPSocketAction
 port 1 IntOrString
 host 2 string ?
type core/v1.Taint
 key 1 string
 value 2 string ?
 effect 3 string~core/v1.TaintEffect
 timeAdded 4 *Time ?
type core/v1.Toleration
 key 1 string ?
 operator 2 string~core/v1.TolerationOperator ?
 value 3 string ?
 effect 4 string~core/v1.TaintEffect ?
 tolerationSeconds 5 *i64 ?
type core/v1.TopologySelectorLabelRequirement
 key 1 string
 values 2 []string
type core/v1.TopologySelectorTerm atomic
 matchLabelExpressions 1 []core/v1.TopologySelectorLabelRequirement ?
type core/v1.TopologySpreadConstraint
 maxSkew 1 i32
 topologyKey 2 string
 whenUnsatisfiable 3 string~core/v1.UnsatisfiableConstraintAction
 labelSelector 4 *meta/v1.LabelSelector ?
 minDomains 5 *i32 ?
 nodeAffinityPolicy 6 *string~core/v1.NodeInclusionPolicy ?
 nodeTaintsPolicy 7 *string~core/v1.NodeInclusionPolicy ?
 matchLabelKeys 8 []string ?
type core/v1.TypedLocalObjectReference atomic
 apiGroup 1 *string o
 kind 2 string
 name 3 string
type core/v1.TypedObjectReference
 apiGroup 1 *string o
 kind 2 string
 name 3 string
 namespace 4 *string ?
type core/v1.Volume
 name 1 string
 hostPath 2.1 *core/v1.HostPathVolumeSource ?
 emptyDir 2.2 *core/v1.EmptyDirVolumeSource ?
 gcePersistentDisk 2.3 *core/v1.GCEPersistentDiskVolumeSource ?
 awsElasticBlockStore 2.4 *core/v1.AWSElasticBlockStoreVolumeSource ?
 gitRepo 2.5 *core/v1.GitRepoVolumeSource ?
 secret 2.6 *core/v1.SecretVolumeSource ?
 nfs 2.7 *core/v1.NFSVolumeSource ?
 iscsi 2.8 *core/v1.ISCSIVolumeSource ?
 glusterfs 2.9 *core/v1.GlusterfsVolumeSource ?
 persistentVolumeClaim 2.10 *core/v1.PersistentVolumeClaimVolumeSource ?
 rbd 2.11 *core/v1.RBDVolumeSource ?
 flexVolume 2.12 *core/v1.FlexVolumeSource ?
 cinder 2.13 *core/v1.CinderVolumeSource ?
 cephfs 2.14 *core/v1.CephFSVolumeSource ?
 flocker 2.15 *core/v1.FlockerVolumeSource ?
 downwardAPI 2.16 *core/v1.DownwardAPIVolumeSource ?
 fc 2.17 *core/v1.FCVolumeSource ?
 azureFile 2.18 *core/v1.AzureFileVolumeSource ?
 configMap 2.19 *core/v1.ConfigMapVolumeSource ?
 vsphereVolume 2.20 *core/v1.VsphereVirtualDiskVolumeSource ?
 quobyte 2.21 *core/v1.QuobyteVolumeSource ?
 azureDisk 2.22 *core/v1.AzureDiskVolumeSource ?
 photonPersistentDisk 2.23 *core/v1.PhotonPersistentDiskVolumeSource ?
 projected 2.26 *core/v1.ProjectedVolumeSource ?
 portworxVolume 2.24 *core/v1.PortworxVolumeSource ?
 scaleIO 2.25 *core/v1.ScaleIOVolumeSource ?
 storageos 2.27 *core/v1.StorageOSVolumeSource ?
 csi 2.28 *core/v1.CSIVolumeSource ?
 ephemeral 2.29 *core/v1.EphemeralVolumeSource ?
 image 2.30 *core/v1.ImageVolumeSource ?
type core/v1.VolumeDevice
 name 1 string
 devicePath 2 string
type core/v1.VolumeMount
 name 1 string
 readOnly 2 bool ?
 recursiveReadOnly 7 *string~core/v1.RecursiveReadOnlyMode ?
 mountPath 3 string
 subPath 4 string ?
 mountPropagation 5 *string~core/v1.MountPropagationMode ?
 subPathExpr 6 string ?
type core/v1.VolumeMountStatus
 name 1 string
 mountPath 2 string
 readOnly 3 bool ?
 recursiveReadOnly 4 *string~core/v1.RecursiveReadOnlyMode ?
type core/v1.VolumeNodeAffinity
 required 1 *core/v1.NodeSelector ?
type core/v1.VolumeProjection
 secret 1 *core/v1.SecretProjection ?
 downwardAPI 2 *core/v1.DownwardAPIProjection ?
 configMap 3 *core/v1.ConfigMapProjection ?
 serviceAccountToken 4 *core/v1.ServiceAccountTokenProjection ?
 clusterTrustBundle 5 *core/v1.ClusterTrustBundleProjection ?
 podCertificate 6 *core/v1.PodCertificateProjection ?
type core/v1.VolumeResourceRequirements
 limits 1 {}Quantity ?
 requests 2 {}Quantity ?
type core/v1.VolumeSource
 hostPath 1 *core/v1.HostPathVolumeSource ?
 emptyDir 2 *core/v1.EmptyDirVolumeSource ?
 gcePersistentDisk 3 *core/v1.GCEPersistentDiskVolumeSource ?
 awsElasticBlockStore 4 *core/v1.AWSElasticBlockStoreVolumeSource ?
 gitRepo 5 *core/v1.GitRepoVolumeSource ?
 secret 6 *core/v1.SecretVolumeSource ?
 nfs 7 *core/v1.NFSVolumeSource ?
 iscsi 8 *core/v1.ISCSIVolumeSource ?
 glusterfs 9 *core/v1.GlusterfsVolumeSource ?
 persistentVolumeClaim 10 *core/v1.PersistentVolumeClaimVolumeSource ?
 rbd 11 *core/v1.RBDVolumeSource ?
 flexVolume 12 *core/v1.FlexVolumeSource ?
 cinder 13 *core/v1.CinderVolumeSource ?
 cephfs 14 *core/v1.CephFSVolumeSource ?
 flocker 15 *core/v1.FlockerVolumeSource ?
 downwardAPI 16 *core/v1.DownwardAPIVolumeSource ?
 fc 17 *core/v1.FCVolumeSource ?
 azureFile 18 *core/v1.AzureFileVolumeSource ?
 configMap 19 *core/v1.ConfigMapVolumeSource ?
 vsphereVolume 20 *core/v1.VsphereVirtualDiskVolumeSource ?
 quobyte 21 *core/v1.QuobyteVolumeSource ?
 azureDisk 22 *core/v1.AzureDiskVolumeSource ?
 photonPersistentDisk 23 *core/v1.PhotonPersistentDiskVolumeSource ?
 projected 26 *core/v1.ProjectedVolumeSource ?
 portworxVolume 24 *core/v1.PortworxVolumeSource ?
 scaleIO 25 *core/v1.ScaleIOVolumeSource ?
 storageos 27 *core/v1.StorageOSVolumeSource ?
 csi 28 *core/v1.CSIVolumeSource ?
 ephemeral 29 *core/v1.EphemeralVolumeSource ?
 image 30 *core/v1.ImageVolumeSource ?
type core/v1.VsphereVirtualDiskVolumeSource
 volumePath 1 string
 fsType 2 string ?
 storagePolicyName 3 string ?
 storagePolicyID 4 string ?
type core/v1.WeightedPodAffinityTerm
 weight 1 i32
 podAffinityTerm 2 core/v1.PodAffinityTerm
type core/v1.WindowsSecurityContextOptions
 gmsaCredentialSpecName 1 *string ?
 gmsaCredentialSpec 2 *string ?
 runAsUserName 3 *string ?
 hostProcess 4 *bool ?
type discovery/v1.Endpoint
 addresses 1 []string l=set
 conditions 2 discovery/v1.EndpointConditions ? d={}
 hostname 3 *string ?
 targetRef 4 *core/v1.ObjectReference ?
 deprecatedTopology 5 {}string ?
 nodeName 6 *string ?
 zone 7 *string ?
 hints 8 *discovery/v1.EndpointHints ?
type discovery/v1.EndpointConditions
 ready 1 *bool ?
 serving 2 *bool ?
 terminating 3 *bool ?
type discovery/v1.EndpointHints
 forZones 1 []discovery/v1.ForZone ?
 forNodes 2 []discovery/v1.ForNode ?
type discovery/v1.EndpointPort atomic
 name 1 *string ?
 protocol 2 *string~core/v1.Protocol ?
 port 3 *i32 ?
 appProtocol 4 *string ?
type discovery/v1.EndpointSlice
 kind 1 string ?
 apiVersion 2 string ?
 metadata 1 meta/v1.ObjectMeta ? d={}
 addressType 4 string~discovery/v1.AddressType
 endpoints 2 []discovery/v1.Endpoint
 ports 3 []discovery/v1.EndpointPort o
type discovery/v1.ForNode
 name 1 string
type discovery/v1.ForZone
 name 1 string
type events/v1.Event
 kind 1 string ?
 apiVersion 2 string ?
 metadata 1 meta/v1.ObjectMeta
 eventTime 2 MicroTime
 series 3 *events/v1.EventSeries ?
 reportingController 4 string ?
 reportingInstance 5 string ?
 action 6 string ?
 reason 7 string ?
 regarding 8 core/v1.ObjectReference ? d={}
 related 9 *core/v1.ObjectReference ?
 note 10 string ?
 type 11 string ?
 deprecatedSource 12 core/v1.EventSource ? d={}
 deprecatedFirstTimestamp 13 Time ?
 deprecatedLastTimestamp 14 Time ?
 deprecatedCount 15 i32 ?
type events/v1.EventSeries
 count 1 i32
 lastObservedTime 2 MicroTime
type meta/v1.Condition
 type 1 string
 status 2 string~meta/v1.ConditionStatus
 observedGeneration 3 i64 ?
 lastTransitionTime 4 Time
 reason 5 string
 message 6 string
type meta/v1.CreateOptions
 kind 1 string ?
 apiVersion 2 string ?
 dryRun 1 []string ?
 fieldManager 3 string ?
 fieldValidation 4 string ?
type meta/v1.DeleteOptions
 kind 1 string ?
 apiVersion 2 string ?
 gracePeriodSeconds 1 *i64 ?
 preconditions 2 *meta/v1.Preconditions ?
 orphanDependents 3 *bool ?
 propagationPolicy 4 *string~meta/v1.DeletionPropagation ?
 dryRun 5 []string ?
 ignoreStoreReadErrorWithClusterBreakingPotential 6 *bool ?
type meta/v1.FieldSelectorRequirement
 key 1 string
 operator 2 string~meta/v1.FieldSelectorOperator
 values 3 []string ?
type meta/v1.GroupVersionKind
 group 1 string
 version 2 string
 kind 3 string
type meta/v1.GroupVersionResource
 group 1 string
 version 2 string
 resource 3 string
type meta/v1.LabelSelector atomic
 matchLabels 1 {}string ?
 matchExpressions 2 []meta/v1.LabelSelectorRequirement ?
type meta/v1.LabelSelectorRequirement
 key 1 string
 operator 2 string~meta/v1.LabelSelectorOperator
 values 3 []string ?
type meta/v1.ListMeta
 selfLink 1 string ?
 resourceVersion 2 string ?
 continue 3 string ?
 remainingItemCount 4 *i64 ?
type meta/v1.ManagedFieldsEntry
 manager 1 string ?
 operation 2 string~meta/v1.ManagedFieldsOperationType ?
 apiVersion 3 string ?
 time 4 *Time ?
 fieldsType 6 string ?
 fieldsV1 7 *FieldsV1 ?
 subresource 8 string ?
type meta/v1.ObjectMeta
 name 1 string ?
 generateName 2 string ?
 namespace 3 string ?
 selfLink 4 string ?
 uid 5 string~pkg/types.UID ?
 resourceVersion 6 string ?
 generation 7 i64 ?
 creationTimestamp 8 Time ?
 deletionTimestamp 9 *Time ?
 deletionGracePeriodSeconds 10 *i64 ?
 labels 11 {}string ?
 annotations 12 {}string ?
 ownerReferences 13 []meta/v1.OwnerReference ? k=uid s=merge l=map,uid
 finalizers 14 []string ? s=merge l=set
 managedFields 17 []meta/v1.ManagedFieldsEntry ?
type meta/v1.OwnerReference atomic
 apiVersion 5 string
 kind 1 string
 name 3 string
 uid 4 string~pkg/types.UID
 controller 6 *bool ?
 blockOwnerDeletion 7 *bool ?
type meta/v1.PartialObjectMetadata
 kind 1 string ?
 apiVersion 2 string ?
 metadata 1 meta/v1.ObjectMeta ?
type meta/v1.PatchOptions
 kind 1 string ?
 apiVersion 2 string ?
 dryRun 1 []string ?
 force 2 *bool ?
 fieldManager 3 string ?
 fieldValidation 4 string ?
type meta/v1.Preconditions
 uid 1 *string~pkg/types.UID ?
 resourceVersion 2 *string ?
type meta/v1.Status
 kind 1 string ?
 apiVersion 2 string ?
 metadata 1 meta/v1.ListMeta ?
 status 2 string ?
 message 3 string ?
 reason 4 string~meta/v1.StatusReason ?
 details 5 *meta/v1.StatusDetails ?
 code 6 i32 ?
type meta/v1.StatusCause
 reason 1 string~meta/v1.CauseType ?
 message 2 string ?
 field 3 string ?
type meta/v1.StatusDetails
 name 1 string ?
 group 2 string ?
 kind 3 string ?
 uid 6 string~pkg/types.UID ?
 causes 4 []meta/v1.StatusCause ?
 retryAfterSeconds 5 i32 ?
type meta/v1.TypeMeta
 kind 1 string ?
 apiVersion 2 string ?
type meta/v1.UpdateOptions
 kind 1 string ?
 apiVersion 2 string ?
 dryRun 1 []string ?
 fieldManager 2 string ?
 fieldValidation 3 string ?
type metrics/v1beta1.ContainerMetrics
 name 1 string
 usage 2 {}Quantity
type metrics/v1beta1.NodeMetrics
 kind 1 string ?
 apiVersion 2 string ?
 metadata 1 meta/v1.ObjectMeta ?
 timestamp 2 Time
 window 3 Duration
 usage 4 {}Quantity
type metrics/v1beta1.PodMetrics
 kind 1 string ?
 apiVersion 2 string ?
 metadata 1 meta/v1.ObjectMeta ?
 timestamp 2 Time
 window 3 Duration
 containers 4 []metrics/v1beta1.ContainerMetrics
type networking/v1.HTTPIngressPath
 path 1 string ?
 pathType 3 *string~networking/v1.PathType
 backend 2 networking/v1.IngressBackend
type networking/v1.HTTPIngressRuleValue
 paths 1 []networking/v1.HTTPIngressPath
type networking/v1.IPAddress
 kind 1 string ?
 apiVersion 2 string ?
 metadata 1 meta/v1.ObjectMeta ? d={}
 spec 2 networking/v1.IPAddressSpec ? d={}
type networking/v1.IPAddressSpec
 parentRef 1 *networking/v1.ParentReference ?
type networking/v1.IPBlock
 cidr 1 string
 except 2 []string ?
type networking/v1.Ingress
 kind 1 string ?
 apiVersion 2 string ?
 metadata 1 meta/v1.ObjectMeta ? d={}
 spec 2 networking/v1.IngressSpec ? d={}
 status 3 networking/v1.IngressStatus ? d={}
type networking/v1.IngressBackend
 service 4 *networking/v1.IngressServiceBackend ?
 resource 3 *core/v1.TypedLocalObjectReference ?
type networking/v1.IngressClass
 kind 1 string ?
 apiVersion 2 string ?
 metadata 1 meta/v1.ObjectMeta ? d={}
 spec 2 networking/v1.IngressClassSpec ? d={}
type networking/v1.IngressClassParametersReference
 apiGroup 1 *string ?
 kind 2 string
 name 3 string
 scope 4 *string o
 namespace 5 *string ?
type networking/v1.IngressClassSpec
 controller 1 string ?
 parameters 2 *networking/v1.IngressClassParametersReference ?
type networking/v1.IngressLoadBalancerIngress
 ip 1 string ?
 hostname 2 string ?
 ports 4 []networking/v1.IngressPortStatus ?
type networking/v1.IngressLoadBalancerStatus
 ingress 1 []networking/v1.IngressLoadBalancerIngress ?
type networking/v1.IngressPortStatus
 port 1 i32
 protocol 2 string~core/v1.Protocol
 error 3 *string ?
type networking/v1.IngressRule
 host 1 string ?
 http 2.1 *networking/v1.HTTPIngressRuleValue ?
type networking/v1.IngressRuleValue
 http 1 *networking/v1.HTTPIngressRuleValue ?
type networking/v1.IngressServiceBackend
 name 1 string
 port 2 networking/v1.ServiceBackendPort ? d={}
type networking/v1.IngressSpec
 ingressClassName 4 *string ?
 defaultBackend 1 *networking/v1.IngressBackend ?
 tls 2 []networking/v1.IngressTLS ?
 rules 3 []networking/v1.IngressRule ?
type networking/v1.IngressStatus
 loadBalancer 1 networking/v1.IngressLoadBalancerStatus ? d={}
type networking/v1.IngressTLS
 hosts 1 []string ?
 secretName 2 string ?
type networking/v1.NetworkPolicy
 kind 1 string ?
 apiVersion 2 string ?
 metadata 1 meta/v1.ObjectMeta ? d={}
 spec 2 networking/v1.NetworkPolicySpec ? d={}
type networking/v1.NetworkPolicyEgressRule
 ports 1 []networking/v1.NetworkPolicyPort ?
 to 2 []networking/v1.NetworkPolicyPeer ?
type networking/v1.NetworkPolicyIngressRule
 ports 1 []networking/v1.NetworkPolicyPort ?
 from 2 []networking/v1.NetworkPolicyPeer ?
type networking/v1.NetworkPolicyPeer
 podSelector 1 *meta/v1.LabelSelector ?
 namespaceSelector 2 *meta/v1.LabelSelector ?
 ipBlock 3 *networking/v1.IPBlock ?
type networking/v1.NetworkPolicyPort
 protocol 1 *string~core/v1.Protocol ?
 port 2 *IntOrString ?
 endPort 3 *i32 ?
type networking/v1.NetworkPolicySpec
 podSelector 1 meta/v1.LabelSelector o d={}
 ingress 2 []networking/v1.NetworkPolicyIngressRule ?
 egress 3 []networking/v1.NetworkPolicyEgressRule ?
 policyTypes 4 []string~networking/v1.PolicyType ?
type networking/v1.ParentReference
 group 1 string ?
 resource 2 string ?
 namespace 3 string ?
 name 4 string ?
type networking/v1.ServiceBackendPort atomic
 name 1 string ?
 number 2 i32 ?
type networking/v1.ServiceCIDR
 kind 1 string ?
 apiVersion 2 string ?
 metadata 1 meta/v1.ObjectMeta ? d={}
 spec 2 networking/v1.ServiceCIDRSpec ? d={}
 status 3 networking/v1.ServiceCIDRStatus ? d={}
type networking/v1.ServiceCIDRSpec
 cidrs 1 []string ?
type networking/v1.ServiceCIDRStatus
 conditions 1 []meta/v1.Condition ? k=type s=merge l=map,type
type node/v1.Overhead
 podFixed 1 {}Quantity ?
type node/v1.RuntimeClass
 kind 1 string ?
 apiVersion 2 string ?
 metadata 1 meta/v1.ObjectMeta ? d={}
 handler 2 string
 overhead 3 *node/v1.Overhead ?
 scheduling 4 *node/v1.Scheduling ?
type node/v1.Scheduling
 nodeSelector 1 {}string ? m=atomic
 tolerations 2 []core/v1.Toleration ?
type policy/v1.Eviction
 kind 1 string ?
 apiVersion 2 string ?
 metadata 1 meta/v1.ObjectMeta ? d={}
 deleteOptions 2 *meta/v1.DeleteOptions ?
type policy/v1.PodDisruptionBudget
 kind 1 string ?
 apiVersion 2 string ?
 metadata 1 meta/v1.ObjectMeta ? d={}
 spec 2 policy/v1.PodDisruptionBudgetSpec ? d={}
 status 3 policy/v1.PodDisruptionBudgetStatus ? d={}
type policy/v1.PodDisruptionBudgetSpec
 minAvailable 1 *IntOrString ?
 selector 2 *meta/v1.LabelSelector ? s=replace
 maxUnavailable 3 *IntOrString ?
 unhealthyPodEvictionPolicy 4 *string~policy/v1.UnhealthyPodEvictionPolicyType ?
type policy/v1.PodDisruptionBudgetStatus
 observedGeneration 1 i64 ?
 disruptedPods 2 {}Time ?
 disruptionsAllowed 3 i32
 currentHealthy 4 i32
 desiredHealthy 5 i32
 expectedPods 6 i32
 conditions 7 []meta/v1.Condition ? k=type s=merge l=map,type
type rbac/v1.AggregationRule
 clusterRoleSelectors 1 []meta/v1.LabelSelector ?
type rbac/v1.ClusterRole
 kind 1 string ?
 apiVersion 2 string ?
 metadata 1 meta/v1.ObjectMeta ? d={}
 rules 2 []rbac/v1.PolicyRule o
 aggregationRule 3 *rbac/v1.AggregationRule ?
type rbac/v1.ClusterRoleBinding
 kind 1 string ?
 apiVersion 2 string ?
 metadata 1 meta/v1.ObjectMeta ? d={}
 subjects 2 []rbac/v1.Subject ?
 roleRef 3 rbac/v1.RoleRef
type rbac/v1.PolicyRule
 verbs 1 []string
 apiGroups 2 []string ?
 resources 3 []string ?
 resourceNames 4 []string ?
 nonResourceURLs 5 []string ?
type rbac/v1.Role
 kind 1 string ?
 apiVersion 2 string ?
 metadata 1 meta/v1.ObjectMeta ? d={}
 rules 2 []rbac/v1.PolicyRule o
type rbac/v1.RoleBinding
 kind 1 string ?
 apiVersion 2 string ?
 metadata 1 meta/v1.ObjectMeta ? d={}
 subjects 2 []rbac/v1.Subject ?
 roleRef 3 rbac/v1.RoleRef
type rbac/v1.RoleRef atomic
 apiGroup 1 string
 kind 2 string
 name 3 string
type rbac/v1.Subject atomic
 kind 1 string
 apiGroup 2 string ?
 name 3 string
 namespace 4 string ?
type scheduling/v1.PriorityClass
 kind 1 string ?
 apiVersion 2 string ?
 metadata 1 meta/v1.ObjectMeta ? d={}
 value 2 i32
 globalDefault 3 bool ?
 description 4 string ?
 preemptionPolicy 5 *string~core/v1.PreemptionPolicy ?
type storage/v1.CSIDriver
 kind 1 string ?
 apiVersion 2 string ?
 metadata 1 meta/v1.ObjectMeta ? d={}
 spec 2 storage/v1.CSIDriverSpec
type storage/v1.CSIDriverSpec
 attachRequired 1 *bool ?
 podInfoOnMount 2 *bool ?
 volumeLifecycleModes 3 []string~storage/v1.VolumeLifecycleMode ? l=set
 storageCapacity 4 *bool ?
 fsGroupPolicy 5 *string~storage/v1.FSGroupPolicy ?
 tokenRequests 6 []storage/v1.TokenRequest ?
 requiresRepublish 7 *bool ?
 seLinuxMount 8 *bool ?
 nodeAllocatableUpdatePeriodSeconds 9 *i64 ?
type storage/v1.CSINode
 kind 1 string ?
 apiVersion 2 string ?
 metadata 1 meta/v1.ObjectMeta ? d={}
 spec 2 storage/v1.CSINodeSpec
type storage/v1.CSINodeDriver
 name 1 string
 nodeID 2 string
 topologyKeys 3 []string o
 allocatable 4 *storage/v1.VolumeNodeResources ?
type storage/v1.CSINodeSpec
 drivers 1 []storage/v1.CSINodeDriver k=name s=merge l=map,name
type storage/v1.CSIStorageCapacity
 kind 1 string ?
 apiVersion 2 string ?
 metadata 1 meta/v1.ObjectMeta ? d={}
 nodeTopology 2 *meta/v1.LabelSelector ?
 storageClassName 3 string
 capacity 4 *Quantity ?
 maximumVolumeSize 5 *Quantity ?
type storage/v1.StorageClass
 kind 1 string ?
 apiVersion 2 string ?
 metadata 1 meta/v1.ObjectMeta ? d={}
 provisioner 2 string
 parameters 3 {}string ?
 reclaimPolicy 4 *string~core/v1.PersistentVolumeReclaimPolicy ?
 mountOptions 5 []string ?
 allowVolumeExpansion 6 *bool ?
 volumeBindingMode 7 *string~storage/v1.VolumeBindingMode ?
 allowedTopologies 8 []core/v1.TopologySelectorTerm ?
type storage/v1.TokenRequest
 audience 1 string
 expirationSeconds 2 *i64 ?
type storage/v1.VolumeAttachment
 kind 1 string ?
 apiVersion 2 string ?
 metadata 1 meta/v1.ObjectMeta ? d={}
 spec 2 storage/v1.VolumeAttachmentSpec
 status 3 storage/v1.VolumeAttachmentStatus ? d={}
type storage/v1.VolumeAttachmentSource
 persistentVolumeName 1 *string ?
 inlineVolumeSpec 2 *core/v1.PersistentVolumeSpec ?
type storage/v1.VolumeAttachmentSpec
 attacher 1 string
 source 2 storage/v1.VolumeAttachmentSource
 nodeName 3 string
type storage/v1.VolumeAttachmentStatus
 attached 1 bool
 attachmentMetadata 2 {}string ?
 attachError 3 *storage/v1.VolumeError ?
 detachError 4 *storage/v1.VolumeError ?
type storage/v1.VolumeAttributesClass
 kind 1 string ?
 apiVersion 2 string ?
 metadata 1 meta/v1.ObjectMeta ? d={}
 driverName 2 string
 parameters 3 {}string ?
type storage/v1.VolumeError
 time 1 Time ?
 message 2 string ?
 errorCode 3 *i32 ?
type storage/v1.VolumeNodeResources
 count 1 *i32 ?
`;
