"""EC2, SSM and S3: the only place where AWS is called."""
