# The AWS CLI with its defaults, one process a step: `use-aws-cli.sh AWS BUCKET FILE SECONDS`, the steps of data-clients/steps.py.
set -euo pipefail
aws=$1 bucket=$2 end=$((SECONDS + $4)) rounds=0
while [ $rounds -lt 3 ] || [ $SECONDS -lt $end ]; do
  printf 'round %s' $rounds | "$aws" s3 cp - s3://$bucket/round-$rounds
  [ "$("$aws" s3 cp s3://$bucket/round-$rounds -)" = "round $rounds" ]
  "$aws" s3 ls s3://$bucket/ | grep -q " round-$rounds\$"
  "$aws" s3 rm --quiet s3://$bucket/round-$rounds
  rounds=$((rounds + 1))
done
printf '{"rounds":%s}\n' $rounds
